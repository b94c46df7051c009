/** The weights that pages have at hand: base64 of gzip data, in scripts that may be loaded when they are needed. */

const known = new Map()
const loads = new Map()

/** Says what a weights file is, and which script holds it. */
export function announceWeights({ name, id, format, script }) {
  known.set(name, { ...known.get(name), name, id, format, script })
}

/** Takes the contents of a weights file; its script calls this. */
export function addWeights(name, packed) {
  known.set(name, { ...known.get(name), name, packed })
}

/** Returns what is known of all weights, without their contents. */
export function weightsSources() {
  return [...known.values()].map(({ name, id, format }) => ({ name, id, format }))
}

/** Returns the packed bytes of a weights file, whose script is loaded once, however many workers ask. */
export async function packedWeights(name) {
  const { packed, script } = known.get(name)
  if (!packed) await onlyOnce(name, script)
  return bytesOf(known.get(name).packed)
}

function onlyOnce(name, script) {
  if (!loads.has(name)) loads.set(name, loadScript(script))
  return loads.get(name)
}

/** Loads a classic script, which works from folders too. */
export function loadScript(source) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = source
    script.onload = () => resolve()
    script.onerror = () => reject(new Error(`${source} cannot be loaded`))
    document.head.append(script)
  })
}

/** Returns the bytes of base64. */
export function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64)
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
