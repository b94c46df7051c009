/** Golden files decode to the pixels of every other machine, and damaged ones are refused in the command line's words. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { DvcodecError, WeightsNotFound, decode, info, prepare } from '../../web/dvcodec.mjs'
import { useWeightsOf } from '../../web/node.mjs'
import { DAMAGED, complaint, deepShown, named, namedIn, read, shown } from './golden.mjs'

useWeightsOf()

for (const name of named('lossy-', 'stored-', 'webp-', 'bilevel-', 'model-', 'jpeg-')) {
  test(`${name} has the pixels of every other machine`, async () => {
    const found = await decode(read(`${name}.dvq`))
    const { width, height, data } = shown(name)
    assert.deepEqual([found.width, found.height], [width, height])
    assert.equal(Buffer.compare(Buffer.from(found.data), Buffer.from(data)), 0)
    assert.equal(found.mode, JSON.parse(read(`${name}.json`)).mode)
  })
}

/** Kept files whose pixels only browsers decode. */
const reached = (name) => !name.startsWith('kept-of-other')

for (const name of namedIn('deep/')) {
  test(`${name} has the pixels of every other machine, rounded to 8 bits`, async () => {
    const found = await decode(read(`${name}.dvq`))
    assert.equal(Buffer.compare(Buffer.from(found.data), Buffer.from(deepShown(name, info(read(`${name}.dvq`))))), 0)
  })
}

for (const name of Object.keys(DAMAGED).filter((one) => !one.startsWith('archive-'))) {
  test(`${name} is refused in the words of the command line`, async () => {
    const message = reached(name) ? complaint(name, 'decompress') : /use `(dvcodec decompress|keptFile)`/
    const expected = { name: 'DvcodecError', message }
    await assert.rejects(decode(read(`damaged/${name}.dvq`)), expected)
  })
  test(`${name} is described as the command line does`, () => {
    const data = read(`damaged/${name}.dvq`)
    const { status, lines } = DAMAGED[name].info
    const known = lines.some((line) => line.startsWith('fault'))
    if (status) assert.throws(() => info(data), { message: complaint(name, 'info') })
    else assert.equal(info(data).fault, known ? complaint(name, 'info') : null)
  })
}

for (const name of named('model-')) {
  test(`${name}, cut behind its symbols, shows the lossy image`, async () => {
    const data = read(`${name}.dvq`)
    const cut = data.subarray(0, data.length - info(data).pixelBytes)
    await assert.rejects(decode(cut), { name: 'DvcodecError' })
    const found = await decode(cut, { preview: 'all' })
    const grey = found.mode.startsWith('L')
    const samples = found.data.filter((_, i) => i % 4 < (grey ? 1 : 3))
    assert.equal(createHash('sha256').update(samples).digest('hex'), JSON.parse(read(`${name}.json`)).preview_sha256)
  })
}

test('a coarse picture comes first, and the share of the work grows', async () => {
  const shares = []
  const coarse = []
  await decode(read('lossy-filter.dvq'), {
    onProgress: (share, picture) => (picture ? coarse.push(picture) : shares.push(share)),
  })
  assert.deepEqual(shares, [...shares].sort((a, b) => a - b))
  assert.equal(shares.at(-1), 1)
  assert.deepEqual(coarse.map(({ width, height }) => [width, height]), [[38, 20]])
})

test('an image that takes more memory than there is is refused in one line', async () => {
  const grow = WebAssembly.Memory.prototype.grow
  useWeightsOf() // with a memory of its own, which is small
  WebAssembly.Memory.prototype.grow = () => {
    throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory')
  }
  try {
    const hint = '(work on fewer images at a time, or cut the image into parts)'
    await assert.rejects(decode(read('lossy-filter.dvq')), { message: `not enough memory for 300 x 160 pixels ${hint}` })
  } finally {
    WebAssembly.Memory.prototype.grow = grow
    useWeightsOf()
  }
})

test('a scale that is not valid is refused', async () => {
  await assert.rejects(decode(read('lossy-l.dvq'), { scale: 3 }), DvcodecError)
})

test('weights are loaded before a file names them, and only those that there are', async () => {
  await prepare(info(read('lossy-rgb.dvq')).weightsId)
  await assert.rejects(prepare('0123456789abcdef'), WeightsNotFound)
})

test('work ends where it is aborted', async () => {
  const control = new AbortController()
  const run = decode(read('lossy-rgb.dvq'), { signal: control.signal, onProgress: () => control.abort() })
  await assert.rejects(run, { name: 'AbortError' })
})
