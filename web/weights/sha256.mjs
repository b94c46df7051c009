/** SHA-256 (FIPS 180-4), by the browser where it offers that: pages that came without encryption have to do without. */

function fraction(x) {
  return Math.floor((x - Math.floor(x)) * 2 ** 32)
}

function constants() {
  const primes = []
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n)
  const start = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))
  // A cube root of doubles may miss the last of the 32 bits that count: it is found in whole numbers.
  const rounds = Int32Array.from(primes, (prime) => Number(cubeRoot(BigInt(prime) << 96n) & 0xffffffffn))
  return { start, rounds }
}

function cubeRoot(n) {
  let root = 0n
  for (let bit = 1n << 40n; bit; bit >>= 1n) if ((root + bit) ** 3n <= n) root += bit
  return root
}

const { start: START, rounds: ROUNDS } = constants()

/** Hashes bytes that come in parts. */
export class Sha256 {
  constructor() {
    this.state = Int32Array.from(START)
    this.block = new Uint8Array(64)
    this.held = 0
    this.length = 0
    this.words = new Int32Array(64)
  }

  /** Adds bytes. */
  update(bytes) {
    this.length += bytes.length
    let at = 0
    if (this.held) {
      at = Math.min(64 - this.held, bytes.length)
      this.block.set(bytes.subarray(0, at), this.held)
      this.held += at
      if (this.held < 64) return this
      this.compress(this.block, 0)
    }
    for (; at + 64 <= bytes.length; at += 64) this.compress(bytes, at)
    this.held = bytes.length - at
    this.block.set(bytes.subarray(at))
    return this
  }

  /** Returns the 32 bytes of the hash. */
  digest() {
    const bits = this.length * 8
    const padded = new Uint8Array(this.held < 56 ? 64 : 128)
    padded.set(this.block.subarray(0, this.held))
    padded[this.held] = 0x80
    const view = new DataView(padded.buffer)
    view.setUint32(padded.length - 8, Math.floor(bits / 2 ** 32))
    view.setUint32(padded.length - 4, bits >>> 0)
    for (let at = 0; at < padded.length; at += 64) this.compress(padded, at)
    const out = new DataView(new ArrayBuffer(32))
    this.state.forEach((word, i) => out.setInt32(4 * i, word))
    return new Uint8Array(out.buffer)
  }

  compress(bytes, at) {
    const w = this.words
    for (let i = 0, j = at; i < 16; i++, j += 4) {
      w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3]
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15]
      const y = w[i - 2]
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0
    }
    this.rounds(w)
  }

  rounds(w) {
    let [a, b, c, d, e, f, g, h] = this.state
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    const s = this.state
    s[0] += a
    s[1] += b
    s[2] += c
    s[3] += d
    s[4] += e
    s[5] += f
    s[6] += g
    s[7] += h
  }
}

/**
 * Returns the 32 bytes of the hash of some parts, one after the other.
 * @param {Uint8Array[]} parts
 */
export async function sha256(parts) {
  const { subtle } = globalThis.crypto ?? {}
  if (!subtle) return parts.reduce((hash, part) => hash.update(part), new Sha256()).digest()
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return new Uint8Array(await subtle.digest('SHA-256', whole))
}
