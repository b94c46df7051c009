/** The golden files, for the tests of the decoder in JavaScript. */

import { readFileSync, readdirSync } from 'node:fs'
import { rgbaOf } from './png.mjs'

const FOLDER = new URL('../golden/', import.meta.url)

/** Returns the bytes of a file below the golden ones. */
export function read(name) {
  return readFileSync(new URL(name, FOLDER))
}

/** Returns the names of the golden images that begin in one of these ways. */
export function named(...starts) {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.dvq'))
  return names.map((name) => name.slice(0, -4)).filter((name) => starts.some((start) => name.startsWith(start)))
}

/** Returns what a screen shows of a golden image. */
export function shown(name) {
  return rgbaOf(read(`${name}.png`))
}

/** What the commands print about each damaged file. */
export const DAMAGED = JSON.parse(read('damaged/index.json'))

/** Returns the first line that a command prints about a damaged file, without the program's and the file's name. */
export function complaint(name, command) {
  return DAMAGED[name][command].lines[0].replace(`dvcodec: ${name}.dvq: `, '').replace(/^fault +/, '')
}
