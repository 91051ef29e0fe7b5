#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { execute } from '@oclif/core'

// No plugins: a program of root's loads nothing from the data directory of whoever started it.
const root = fileURLToPath(import.meta.url)
await execute({ loadOptions: { root, userPlugins: false, devPlugins: false } })
