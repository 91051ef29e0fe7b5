import { defineConfig } from 'vitest/config'

const NETNS = { testTimeout: 120_000, hookTimeout: 120_000 }
/** What a neighbour would spoil: figures under load, and how long something takes. The last two touch the machine's own network. */
const ALONE = ['capture', 'capture-loop', 'facts', 'trace-load', 'capture-files', 'io-tun'].map(
  name => `test/netns/${name}.test.ts`,
)

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: ['test/netns/**', 'test/vm/**', 'test/bench/**', 'test/packaging/deb.test.ts'],
          testTimeout: 30_000,
          // Vitest's own choice is a worker less than there are cores: one, on the two of a small machine.
          maxWorkers: 2,
        },
      },
      // Real namespaces and devices, each test its own, and a package that is built. They wait more than they compute:
      // two files at a time take half as long.
      {
        test: {
          name: 'netns',
          include: ['test/netns/**/*.test.ts', 'test/packaging/deb.test.ts'],
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...NETNS,
        },
      },
      { test: { name: 'netns-alone', include: ALONE, fileParallelism: false, sequence: { groupOrder: 2 }, ...NETNS } },
    ],
  },
})
