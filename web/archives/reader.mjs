/** Reads an archive segment after segment, and continues after damage. */

import { crc32 } from '../bitstream/checksums.mjs'
import { FormatError } from '../bitstream/errors.mjs'
import { HEAD_LIMIT, MARKER, parseMark } from './layout.mjs'
import { namesOf } from './names.mjs'
import { Places, lossOf, runsOf } from './places.mjs'

const HEADER = 6
const END_LIMIT = 256

/** Returns the mark that begins at an offset; null if none does. */
function markAt(data, at) {
  try {
    return parseMark(data.subarray(at, at + HEAD_LIMIT))
  } catch (error) {
    if (error instanceof FormatError) return null
    throw error
  }
}

/** The state of a search through an archive. */
class Search {
  constructor(data) {
    this.data = data
    this.segments = []
    this.faults = []
    this.places = new Places()
    // Each try at a marker costs time: a file made of nothing but markers must not take minutes.
    this.tries = 2 ** 15 + Math.floor(data.length / 4096)
    this.number = this.skipped = 0
    this.end = this.findEnd()
    this.weights = new Map((this.end?.weights ?? []).entries())
  }

  /** Returns the end mark; it is read first, since it holds weights ids. */
  findEnd() {
    const { data } = this
    for (let at = Math.max(HEADER, data.length - END_LIMIT); at < data.length; at++) {
      const found = data[at] === MARKER[0] ? markAt(data, at) : null
      if (found?.end && at + found.size === data.length) return found.end
    }
    return null
  }

  run() {
    const { data } = this
    for (let at = HEADER; at < data.length; ) {
      const found = markAt(data, at)
      if (!found) {
        const next = this.nextMark(at + 1)
        this.skipped += next - at
        at = next
      } else if (found.end) return this.atEnd(found.end, at + found.size)
      else at = this.segment(found.head, at, at + found.size)
    }
    const missing = this.places.missing(this.end ? this.end.images : this.places.top)
    const damage = this.skipped ? `${this.skipped} bytes are damaged, and ` : ''
    this.faults.push(lossOf(`${damage}the archive is cut short: it has no end mark`, missing))
  }

  /** Returns where the next mark begins, from `at` on. */
  nextMark(at) {
    const { data } = this
    for (; at < data.length; at++) {
      if (data[at] !== MARKER[0] || data[at + 1] !== MARKER[1]) continue
      if (--this.tries < 0) return data.length
      if (markAt(data, at)) return at
    }
    return data.length
  }

  /** Takes a segment, and returns where to continue: behind it, or inside it if it is damaged. */
  segment(head, start, at) {
    const { data } = this
    const number = ++this.number
    if (head.weightsId) this.weights.set(head.weights, head.weightsId)
    const { names, fault } = this.names(head, at)
    const behind = at + head.namesSize + head.payloadSize
    const payload = data.subarray(at + head.namesSize, behind)
    const whole = behind <= data.length && crc32(payload) === head.payloadCrc
    if (!this.places.take(head.positions)) this.faults.push(`segment ${number} repeats images of another segment`)
    else if (whole) {
      const weightsId = head.kind === 'set' ? (this.weights.get(head.weights) ?? '') : ''
      this.segments.push({ number, head: { ...head, weightsId }, names, payload, start, end: behind })
      if (fault) this.faults.push(`${fault}: ${names.length} images get numbers instead`)
    } else {
      const what = behind <= data.length ? 'is damaged' : 'is cut short'
      this.faults.push(lossOf(`segment ${number} ${what}`, runsOf(head.positions), names))
    }
    if (whole) return behind
    return behind <= data.length && markAt(data, behind) ? behind : this.nextMark(at)
  }

  names({ positions, namesSize, namesCrc }, at) {
    const none = positions.map(() => '')
    if (!namesSize) return { names: none, fault: '' }
    const section = this.data.subarray(at, at + namesSize)
    if (section.length < namesSize || crc32(section) !== namesCrc) return { names: none, fault: 'the names of a segment are damaged' }
    try {
      return { names: namesOf(section, positions.length), fault: '' }
    } catch (error) {
      if (error instanceof FormatError) return { names: none, fault: error.message }
      throw error
    }
  }

  /** Adds the faults that the end mark shows. */
  atEnd(end, behind) {
    const { places, number } = this
    const missing = places.missing(end.images)
    const count = places.taken.size
    if (this.skipped) this.faults.push(lossOf(`${this.skipped} bytes are damaged`, missing))
    else if (number !== end.segments) this.faults.push(lossOf(`there are ${number} segments instead of ${end.segments}`, missing))
    else if (places.top > end.images) {
      this.faults.push(lossOf(`image ${places.top} is beyond the ${end.images} that the end mark counts`, missing))
    } else if (missing.length) this.faults.push(lossOf(`there are ${count} images instead of ${end.images}`, missing))
    if (behind < this.data.length) this.faults.push(`${this.data.length - behind} bytes follow the end of the archive`)
  }
}

/**
 * Returns every whole segment of an archive, and its faults in the command line's words.
 * @param {Uint8Array} data
 */
export function readArchive(data) {
  const search = new Search(data)
  search.run()
  return { segments: search.segments, faults: search.faults }
}
