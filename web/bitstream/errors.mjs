/** The errors that users see, in the words of the command line: one line with a reason and perhaps a hint. */

/** Base of all errors that this package throws on purpose. */
export class DvcodecError extends Error {
  /**
   * Keeps the reason, and the hint: what the user can do about it, or an empty text.
   * @param {string} reason
   * @param {string} [hint]
   */
  constructor(reason, hint = '') {
    super(hint ? `${reason} (${hint})` : reason)
    this.name = 'DvcodecError'
    this.reason = reason
    this.hint = hint
  }
}

/** The bytes are not a valid .dvq file, or not one that this release reads. */
export class FormatError extends DvcodecError {}

/** The image is larger than the caller allows. */
export class LimitExceeded extends DvcodecError {}

/** No weights of that id are at hand. */
export class WeightsNotFound extends DvcodecError {
  /** @param {string} id The first 8 bytes of the identity, hexadecimal. */
  constructor(id) {
    const where = 'upgrade dvcodec, or put the weights file into a folder and name it in DVCODEC_WEIGHTS'
    super(`the file needs weights ${id}, which are not installed`, where)
  }
}

/** The file ends early; `whole` chunks of `total` can still be decoded (`total` is null if the header is cut). */
export class TruncatedFile extends FormatError {
  /**
   * Says how much is whole.
   * @param {number} whole
   * @param {number | null} total
   * @param {string} [missing] The part that is cut when all chunks of the image are whole.
   */
  constructor(whole, total, missing = '') {
    super(...sentence(whole, total, missing))
    this.whole = whole
    this.total = total
  }
}

function sentence(whole, total, missing) {
  const nothing = 'nothing of it can be decoded'
  if (total === null) return ['the file is cut short inside its header', nothing]
  if (!total) return [`the file is cut short: ${missing} is not whole`, nothing]
  if (!whole) return [`the file is cut short: 0 of ${total} chunks are whole`, nothing]
  const lost = missing ? `, but ${missing} is missing` : ''
  return [`the file is cut short: ${whole} of ${total} chunks are whole${lost}`, '--preview all decodes them']
}
