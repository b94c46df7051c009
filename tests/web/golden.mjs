/** The golden files, for the tests of the decoder in JavaScript. */

import { readFileSync, readdirSync } from 'node:fs'
import { rgbaOf, samplesOf } from './png.mjs'

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

/** Returns the names of the files in a folder of golden ones. */
export function namedIn(folder) {
  const names = readdirSync(new URL(folder, FOLDER)).filter((name) => name.endsWith('.dvq'))
  return names.map((name) => folder + name.slice(0, -4))
}

/** Returns what a screen shows of deep samples, which their PNG file holds as multiples. */
export function deepShown(name, { mode, bitDepth }) {
  const { samples, channels } = samplesOf(read(`${name}.png`))
  const white = 2 ** bitDepth - 1
  const places = { L: [0, 0, 0], LA: [0, 0, 0, 1], RGB: [0, 1, 2], RGBA: [0, 1, 2, 3] }[mode]
  const byte = (sample) => Math.floor((sample * 255 + white / 2) / white)
  const own = (i) => places.map((c) => byte(samples[i * channels + c]))
  return Array.from({ length: samples.length / channels }, (_, i) => [...own(i), 255].slice(0, 4)).flat()
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
