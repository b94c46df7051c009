/** Reads weights files: named tensors in a safetensors file, refused unless their identity is right. */

import { DvcodecError } from '../bitstream/errors.mjs'
import { hexadecimal } from '../bitstream/reader.mjs'
import { ascii, byCodePoint, canonical } from './canonical_json.mjs'
import { sha256 } from './sha256.mjs'

const SIZES = { I8: 1, I16: 2, I32: 4, F16: 2 }
const MAX_HEADER = 2 ** 24

/** The tensors of a weights file, or those whose names begin alike. */
export class Tensors {
  /** Takes tensors by their whole names. */
  constructor(all, prefix = '') {
    this.all = all
    this.prefix = prefix
  }

  /** Returns the tensors whose names begin with these and a dot. */
  below(name) {
    return new Tensors(this.all, `${this.prefix}${name}.`)
  }

  /** Tells whether there is a tensor of this name, or one below it. */
  has(name) {
    const whole = this.prefix + name
    return this.all.has(whole) || [...this.all.keys()].some((key) => key.startsWith(`${whole}.`))
  }

  /** Returns the values of a tensor as 32-bit integers (F16: as floats), and its shape. */
  take(name, shape) {
    const found = this.all.get(this.prefix + name)
    if (!found) throw new DvcodecError(`the weights file has no tensor ${this.prefix}${name}`)
    const fits = !shape || (shape.length === found.shape.length && shape.every((side, i) => side === found.shape[i]))
    if (!fits) throw new DvcodecError(`the tensor ${this.prefix}${name} of the weights file has another shape`)
    return valuesOf(found)
  }

  /** Returns the shape of a tensor. */
  shape(name) {
    return this.all.get(this.prefix + name).shape
  }
}

function valuesOf({ dtype, bytes }) {
  const whole = bytes.slice().buffer
  if (dtype === 'I8') return Int32Array.from(new Int8Array(whole))
  if (dtype === 'I16') return Int32Array.from(new Int16Array(whole))
  if (dtype === 'I32') return new Int32Array(whole)
  return Float32Array.from(new Uint16Array(whole), halfFloat)
}

function halfFloat(bits) {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24
  return bits >> 15 ? -size : size
}

/**
 * Reads a weights file.
 * @param {Uint8Array} data
 * @returns {Promise<{about: object, id: string, tensors: Tensors}>} The 8 bytes that .dvq files name, hexadecimal.
 */
export async function readWeights(data) {
  const text = headerText(data)
  const header = JSON.parse(text)
  const source = header.__metadata__?.dvcodec
  delete header.__metadata__
  if (typeof source !== 'string') throw new DvcodecError('the weights file is not of dvcodec')
  const about = JSON.parse(source)
  const all = tensorsOf(header, data.subarray(8 + byteLength(data)))
  const identity = await identityOf(source, all)
  if (identity !== about.id) throw new DvcodecError('the weights file is damaged: its identity is another')
  return { about, id: identity.slice(0, 16), tensors: new Tensors(all) }
}

/** Returns the short identity that a weights file claims, its name and its format, from its first bytes alone. */
export function claims(data) {
  const { id, name, format } = JSON.parse(JSON.parse(headerText(data)).__metadata__.dvcodec)
  return { id: id.slice(0, 16), name, format }
}

function byteLength(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const size = data.length < 8 ? NaN : view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32
  if (!(size <= Math.min(MAX_HEADER, data.length - 8))) throw new DvcodecError('the weights file is cut short')
  return size
}

function headerText(data) {
  return new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(8, 8 + byteLength(data)))
}

function tensorsOf(header, values) {
  const all = new Map()
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    const bytes = values.subarray(...offsets)
    const size = shape.reduce((product, side) => product * side, SIZES[dtype])
    if (bytes.length !== size || offsets[1] - offsets[0] !== size) {
      throw new DvcodecError(`the tensor ${name} of the weights file is not valid`)
    }
    all.set(name, { dtype, shape, bytes })
  }
  return all
}

async function identityOf(source, all) {
  const names = [...all.keys()].sort(byCodePoint)
  const rows = names.map((name) => `[${ascii(name)},"${all.get(name).dtype}",[${all.get(name).shape.join(',')}]]`)
  const text = canonical(source, (object) => {
    object.delete('id')
    object.delete('name')
    object.set('tensors', `[${rows.join(',')}]`)
  })
  return hexadecimal(await sha256([new TextEncoder().encode(`${text}\0`), ...names.map((name) => all.get(name).bytes)]))
}
