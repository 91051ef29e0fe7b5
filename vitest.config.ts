import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', include: ['test/**/*.test.ts', 'test/**/*.test.tsx'], exclude: ['test/netns/**', 'test/vm/**', 'test/bench/**'], testTimeout: 30_000 } },
      // Real namespaces and devices: one file at a time, because they share two cores.
      { test: { name: 'netns', include: ['test/netns/**/*.test.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
})
