/** Workers that decode, so that the page stays alive: each does one piece of work at a time. */

import { packedWeights, weightsSources } from './weights.mjs'

const MOST = Math.min(2, navigator.hardwareConcurrency || 1)
const workers = []
const waiting = []
let address = null
let count = 0

/** Says what runs in the workers. */
export function useWorker(source) {
  address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
}

/**
 * Does a piece of work in a worker.
 * @param {'decode' | 'info' | 'kept' | 'prepare'} work
 * @param {Uint8Array} bytes
 * @param {object} [options]
 * @param {(share: number, picture?: object) => void} [onProgress]
 */
export function request(work, bytes, options = {}, onProgress = () => {}) {
  return new Promise((resolve, reject) => {
    waiting.push({ id: count++, work, bytes, options, onProgress, resolve, reject })
    next()
  })
}

function next() {
  const free = workers.find((one) => !one.job) ?? (workers.length < MOST ? started() : null)
  const job = free && waiting.shift()
  if (!job) return
  free.job = job
  const { id, work, bytes, options } = job
  free.worker.postMessage({ type: 'work', id, work, bytes, options })
}

function started() {
  const one = { worker: new Worker(address), job: null }
  one.worker.postMessage({ type: 'sources', sources: weightsSources() })
  one.worker.onmessage = ({ data }) => receive(one, data)
  one.worker.onerror = (event) => {
    workers.splice(workers.indexOf(one), 1)
    one.worker.terminate()
    one.job?.reject(new Error(`the decoder failed: ${event.message || 'too little memory?'}`))
    next()
  }
  workers.push(one)
  return one
}

function receive(one, data) {
  if (data.type === 'weights') {
    give(one.worker, data.name)
    return
  }
  if (data.type === 'progress') {
    one.job.onProgress(data.share, data.picture)
    return
  }
  const { resolve, reject } = one.job
  one.job = null
  next()
  if (data.type === 'done') resolve(data.result)
  else reject(Object.assign(new Error(data.message), { known: data.known, whole: data.whole }))
}

async function give(worker, name) {
  try {
    const packed = await packedWeights(name)
    worker.postMessage({ type: 'weights', name, packed }, [packed.buffer])
  } catch (error) {
    worker.postMessage({ type: 'weights', name, message: error.message })
  }
}
