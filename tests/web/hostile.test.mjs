/** Hostile bytes end in an error of ours, never in another one: changed files whose checksums are right. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { parseMark } from '../../web/archives/layout.mjs'
import { crc32 } from '../../web/bitstream/checksums.mjs'
import { parse } from '../../web/bitstream/container.mjs'
import { inflate } from '../../web/compression/inflate.mjs'
import { decodeVp8l } from '../../web/compression/vp8l.mjs'
import { DvcodecError, decode, info } from '../../web/dvcodec.mjs'
import { useWeightsOf, weightsOf } from '../../web/node.mjs'
import { WeightsStore } from '../../web/weights/store.mjs'
import { read } from './golden.mjs'

useWeightsOf()

/** Returns a generator of whole numbers below a bound, the same in every run. */
function numbers(seed) {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

/** Returns bytes of which one to four were changed, perhaps also cut. */
function changed(bytes, next) {
  const found = Uint8Array.from(bytes)
  for (let i = next(4); i >= 0; i--) found[next(found.length)] = next(256)
  return next(8) ? found : found.subarray(0, next(found.length))
}

/** Returns a file with a changed section, and right checksums. */
function resealed(data, next) {
  const file = parse(data)
  const section = file.sections[next(file.sections.length)]
  const found = Uint8Array.from(data)
  if (!section.size) return found
  const own = found.subarray(section.offset, section.offset + section.size)
  for (let i = next(3); i >= 0; i--) own[next(own.length)] = next(256)
  const old = Buffer.alloc(4)
  old.writeUInt32LE(section.crc)
  const view = new DataView(found.buffer)
  view.setUint32(Buffer.from(data).indexOf(old), crc32(own), true)
  view.setUint32(file.headerBytes - 4, crc32(found.subarray(0, file.headerBytes - 4)), true)
  return found
}

/** Runs something that may fail, with an error of ours only. */
async function fails(work) {
  try {
    await work()
    return ''
  } catch (error) {
    assert.ok(error instanceof DvcodecError, error.stack)
    return error.message
  }
}

const FILES = ['lossy-l', 'lossy-la', 'psnr-l', 'psnr-la', 'stored-p', 'stored-1', 'webp-p', 'webp-rgb', 'bilevel-dots', 'model-levels', 'model-colours', 'deep/deep-column', 'deep/deep-la']

for (const name of FILES) {
  test(`changed sections of ${name} are refused or decoded`, async () => {
    const [data, next] = [read(`${name}.dvq`), numbers(1)]
    const messages = []
    for (let i = 0; i < 12; i++) messages.push(await fails(() => decode(resealed(data, next))))
    assert.ok(messages.every((message) => !message.startsWith('the header')), 'the header was sealed')
  })
  test(`changed bytes of ${name} are refused`, async () => {
    const [data, next] = [read(`${name}.dvq`), numbers(2)]
    for (let i = 0; i < 60; i++) await fails(() => info(changed(data, next)))
  })
}

test('changed archives are described', async () => {
  const [data, next] = [read('archives/stored.dvq'), numbers(3)]
  for (let i = 0; i < 60; i++) await fails(() => info(changed(data, next)))
})

test('changed sets of small images are refused or decoded', async () => {
  const sources = weightsOf()
  const { id } = sources.find(({ name }) => name === 'rrvq-cifar')
  const model = await new WeightsStore(sources).model(id, 'set')
  const segment = read('archives/bits-back-rgb.dvq').subarray(6)
  const { head, size } = parseMark(segment)
  const payload = segment.subarray(size + head.namesSize, size + head.namesSize + head.payloadSize)
  const count = head.positions.length
  assert.equal(crc32(model.set(payload, count, () => {})), head.samplesCrc)
  const next = numbers(6)
  for (let i = 0; i < 8; i++) await fails(() => model.set(changed(payload, next), count, () => {}))
})

test('changed deflate is refused or inflated within its limit', async () => {
  const [data, next] = [deflateRawSync(read('lossy-l.png')), numbers(4)]
  for (let i = 0; i < 300; i++) await fails(() => assert.ok(inflate(changed(data, next), 3000, 'the data').length <= 3000))
})

test('changed VP8L is refused or decoded', async () => {
  const file = parse(read('webp-rgb.dvq'))
  const [data, next] = [file.one('pixels').bytes, numbers(5)]
  const { width, height } = file.header
  for (let i = 0; i < 150; i++) await fails(() => decodeVp8l(changed(data, next), width, height, 'the pixels'))
})
