/** CRC-32 as zlib and PNG have it. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/**
 * Returns the CRC-32 of bytes.
 * @param {Uint8Array} bytes
 * @param {number} [before] The CRC-32 of the bytes before them.
 */
export function crc32(bytes, before = 0) {
  let crc = ~before
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8)
  return ~crc >>> 0
}

/**
 * Returns the CRC-32 of numbers of 16 bits, low bytes first.
 * @param {ArrayLike<number>} numbers
 * @param {number} before The CRC-32 of the numbers before them.
 */
export function crc32OfShorts(numbers, before) {
  let crc = ~before
  for (let i = 0; i < numbers.length; i++) {
    crc = TABLE[(crc ^ numbers[i]) & 255] ^ (crc >>> 8)
    crc = TABLE[(crc ^ (numbers[i] >> 8)) & 255] ^ (crc >>> 8)
  }
  return ~crc >>> 0
}
