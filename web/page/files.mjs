/** Where pages get .dvq files from: a server, or a script beside the file where there is none. */

import { bytesOf, loadScript } from './weights.mjs'

const held = new Map()

/** Takes the contents of a file as base64; the script beside it, NAME.dvq.js, calls this. */
export function addFile(name, contents) {
  held.set(name, contents)
}

/** Returns the bytes of the file at an address that is relative to the page. */
export async function fileAt(source) {
  if (location.protocol !== 'file:') {
    const answer = await fetch(source)
    if (!answer.ok) throw new Error(`the file cannot be loaded: ${answer.status}`)
    return new Uint8Array(await answer.arrayBuffer())
  }
  const name = decodeURIComponent(source.slice(source.lastIndexOf('/') + 1))
  if (!held.has(name)) await loadScript(`${source}.js`)
  return bytesOf(held.get(name))
}
