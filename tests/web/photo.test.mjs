/**
 * Photographs of `--tune psnr`: the symbols of every other machine, and pixels that differ by 1 at most, as far as
 * docs/FORMAT.md promises.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { decode } from '../../web/dvcodec.mjs'
import { useWeightsOf, weightsOf } from '../../web/node.mjs'
import { Layer } from '../../web/photo/layer.mjs'
import { WeightsStore } from '../../web/weights/store.mjs'
import { named, read, shown } from './golden.mjs'

useWeightsOf()
/** The share of samples that may differ at all; of a golden file, 1.1 % do at the most. */
const DIFFERENT = 0.02

/** Asserts that samples differ by 1 at most, and few do. */
function assertNear(found, wanted) {
  let different = 0
  for (let i = 0; i < wanted.length; i++) {
    const difference = Math.abs(found[i] - wanted[i])
    assert.ok(difference <= 1, `sample ${i} is ${found[i]}, not ${wanted[i]}`)
    different += difference
  }
  assert.equal(found.length, wanted.length)
  assert.ok(different <= DIFFERENT * wanted.length, `${different} of ${wanted.length} samples differ`)
}

for (const name of named('psnr-')) {
  test(`${name} has the pixels of every other machine, give or take 1`, async () => {
    const found = await decode(read(`${name}.dvq`))
    const { width, height, data } = shown(name)
    assert.deepEqual([found.width, found.height], [width, height])
    assertNear(found.data, data)
    assert.equal(found.mode, JSON.parse(read(`${name}.json`)).mode)
    const alpha = (pixels) => Buffer.from(pixels.filter((_, i) => i % 4 === 3))
    assert.equal(Buffer.compare(alpha(found.data), alpha(data)), 0)
  })
}

/** Returns the SHA-256 of all symbols of a file, each as four bytes, layer by layer in the order in which they are coded. */
async function symbolsOf(data) {
  const hash = createHash('sha256')
  const { decode: own } = Layer.prototype
  Layer.prototype.decode = function (decoder, features, positions, symbols, plane) {
    own.call(this, decoder, features, positions, symbols, plane)
    hash.update(Int32Array.from(positions, (position) => symbols[position]))
  }
  try {
    await decode(data)
  } finally {
    Layer.prototype.decode = own
  }
  return hash.digest('hex')
}

for (const name of ['psnr-1x1', 'psnr-rgb', 'psnr-filter']) {
  test(`${name} has the symbols of every other machine`, async () => {
    assert.equal(await symbolsOf(read(`${name}.dvq`)), JSON.parse(read(`${name}.json`)).symbols_sha256)
  })
}

test('a file that is cut shows what is whole of it', async () => {
  const data = read('psnr-filter.dvq')
  const cut = data.subarray(0, data.length - 1000)
  await assert.rejects(decode(cut), { message: /^the file is cut short: 1 of 2 chunks are whole/ })
  const found = await decode(cut, { preview: 'all' })
  const whole = await decode(data)
  const error = found.data.reduce((sum, sample, i) => sum + (sample - whole.data[i]) ** 2, 0) / found.data.length
  assert.ok(error > 1 && error < 400, `the mean squared error is ${error}`)
})

test('a coarse picture comes first, and the share of the work grows', async () => {
  const shares = []
  const coarse = []
  await decode(read('psnr-rgb.dvq'), { onProgress: (share, picture) => (picture ? coarse.push(picture) : shares.push(share)) })
  assert.deepEqual(shares, [...shares].sort((a, b) => a - b))
  assert.equal(shares.at(-1), 1)
  const small = await decode(read('psnr-rgb.dvq'), { scale: 1 / 8 })
  assert.deepEqual(coarse.map(({ data }) => data), [small.data])
})

test('a network whose numbers reach their bounds is computed in coarser steps', async () => {
  const sources = weightsOf()
  const { id } = sources.find(({ name }) => name === 'rrvq-photo')
  const model = await new WeightsStore(sources).model(id, 'hierarchy')
  const size = { rows: 2, columns: 3 }
  const { network } = model.synthesis
  const bits = () => network.run(size, 0, () => ({ write: (_, out) => out.fill(0), add: () => {} })).bits
  assert.equal(bits(), 9)
  network.quality = network.quality.map(() => 70)
  assert.equal(bits(), 6)
})
