/** Writes WebAssembly modules, as far as the kernels need them: instructions are lists of bytes. */

/** Returns a signed LEB128 number. */
export function signed(value) {
  const out = []
  for (;;) {
    const byte = value & 0x7f
    value >>= 7
    if ((value === 0 && !(byte & 64)) || (value === -1 && byte & 64)) return [...out, byte]
    out.push(byte | 128)
  }
}

/** Returns an unsigned LEB128 number. */
export function unsigned(value) {
  const out = []
  for (; value >= 128; value >>>= 7) out.push((value & 127) | 128)
  return [...out, value]
}

const simd = (code, ...rest) => [0xfd, ...unsigned(code), ...rest]
const memory = (align, offset) => [align, ...unsigned(offset)]
const float = (value) => [...new Uint8Array(Float32Array.of(value).buffer)]

/** The instructions that kernels are made of. Addresses take a constant offset. */
export const I = {
  get: (local) => [0x20, ...unsigned(local)],
  set: (local) => [0x21, ...unsigned(local)],
  tee: (local) => [0x22, ...unsigned(local)],
  number: (value) => [0x41, ...signed(value)],
  add: [0x6a],
  subtract: [0x6b],
  multiply: [0x6c],
  below: [0x48],
  load: (offset = 0) => simd(0x00, ...memory(0, offset)),
  loadPair: (offset = 0) => simd(0x09, ...memory(0, offset)),
  loadDouble: (offset = 0) => simd(0x0a, ...memory(0, offset)), // to both halves
  store: (offset = 0) => simd(0x0b, ...memory(0, offset)),
  shorts: (value) => [...I.number(value), ...simd(0x10)],
  integers: (value) => [...I.number(value), ...simd(0x11)],
  floats: (value) => [0x43, ...float(value), ...simd(0x13)],
  narrow: simd(0x85),
  extendLow: simd(0xa7),
  extendHigh: simd(0xa8),
  addShorts: simd(0x8f), // saturates
  shiftShorts: (count) => [...I.number(count), ...simd(0x8c)],
  leastShorts: simd(0x96),
  mostShorts: simd(0x98),
  addIntegers: simd(0xae),
  dot: simd(0xba),
  floor: simd(0x68),
  nearest: simd(0x6a),
  addFloats: simd(0xe4),
  multiplyFloats: simd(0xe6),
  least: simd(0xe8),
  most: simd(0xe9),
  addDoubles: simd(0xf0),
  multiplyDoubles: simd(0xf2),
  toIntegers: simd(0xf8),
  toFloats: simd(0xfa),
}

/** Returns a loop that runs while `counter`, raised by `step` each time, is below `limit`; at least once. */
export function loop(counter, step, limit, body) {
  const again = [...I.get(counter), ...I.number(step), ...I.add, ...I.tee(counter), ...I.get(limit), ...I.below]
  return [0x03, 0x40, ...body, ...again, 0x0d, 0x00, 0x0b]
}

/** Returns instructions that run only if a condition, which leaves a number, holds. */
export function when(condition, body) {
  return [...condition, 0x04, 0x40, ...body, 0x0b]
}

const section = (id, content) => [id, ...unsigned(content.length), ...content]
const vector = (items) => [...unsigned(items.length), ...items.flat()]
const name = (text) => vector([...new TextEncoder().encode(text)].map((byte) => [byte]))

/**
 * Returns the bytes of a module of functions that share an imported memory, `kernels.memory`.
 * @param {{name: string, parameters: number, numbers: number, vectors: number, code: number[]}[]} functions Each takes
 *   numbers of 32 bits and returns none; more locals of this type follow its parameters, and then vectors.
 */
export function assembled(functions) {
  const types = functions.map(({ parameters }) => [0x60, ...vector(new Array(parameters).fill([0x7f])), 0])
  const bodies = functions.map(({ numbers, vectors, code }) => {
    const locals = vector([
      [...unsigned(numbers), 0x7f],
      [...unsigned(vectors), 0x7b],
    ])
    const body = [...locals, ...code, 0x0b]
    return [...unsigned(body.length), ...body]
  })
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([[...name('kernels'), ...name('memory'), 0x02, 0x00, 0x01]])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(functions.map((one, i) => [...name(one.name), 0x00, ...unsigned(i)]))),
    ...section(10, vector(bodies)),
  ])
}
