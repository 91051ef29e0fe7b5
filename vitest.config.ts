import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', include: ['test/**/*.test.ts', 'test/**/*.test.tsx'], exclude: ['test/netns/**', 'test/vm/**', 'test/bench/**', 'test/packaging/deb.test.ts'], testTimeout: 30_000 } },
      // Real namespaces and devices, and a package that is built: one file at a time, because they share two cores.
      { test: { name: 'netns', include: ['test/netns/**/*.test.ts', 'test/packaging/deb.test.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
})
