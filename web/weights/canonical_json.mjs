/** The canonical text of a JSON object, of which a weights file's identity is a hash. */

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(true|false|null))/y

/**
 * Returns the canonical text of JSON: keys sorted by their code points, no white space, ASCII, and numbers with a
 * fraction or an exponent in the fewest digits that determine a 64-bit float, as in `0.2` and `48.0`.
 * @param {string} text
 * @param {(object: Map<string, string>) => void} [change] Changes the outermost object, whose values are canonical texts.
 */
export function canonical(text, change = () => {}) {
  const parser = { text, at: 0 }
  const found = valueOf(parser, next(parser), change)
  if (text.slice(parser.at).trim()) throw new SyntaxError('bytes follow the JSON object')
  return found
}

function next(parser) {
  TOKEN.lastIndex = parser.at
  const found = TOKEN.exec(parser.text)
  if (!found) throw new SyntaxError('the JSON object is not valid')
  parser.at = TOKEN.lastIndex
  return { sign: found[1], string: found[2], number: found[3], word: found[4] }
}

function valueOf(parser, token, change) {
  if (token.string !== undefined) return ascii(JSON.parse(token.string))
  if (token.number !== undefined) return numberOf(token.number)
  if (token.word !== undefined) return token.word
  if (token.sign === '{') return objectOf(parser, change)
  if (token.sign === '[') return listOf(parser)
  throw new SyntaxError('the JSON object is not valid')
}

function objectOf(parser, change = () => {}) {
  const found = new Map()
  let token = next(parser)
  while (token.sign !== '}') {
    if (token.sign === ',') token = next(parser)
    if (token.string === undefined || next(parser).sign !== ':') throw new SyntaxError('the JSON object is not valid')
    found.set(JSON.parse(token.string), valueOf(parser, next(parser)))
    token = next(parser)
  }
  change(found)
  const keys = [...found.keys()].sort(byCodePoint)
  return `{${keys.map((key) => `${ascii(key)}:${found.get(key)}`).join(',')}}`
}

function listOf(parser) {
  const found = []
  let token = next(parser)
  while (token.sign !== ']') {
    found.push(valueOf(parser, token.sign === ',' ? next(parser) : token))
    token = next(parser)
  }
  return `[${found.join(',')}]`
}

/** Compares texts by their code points, as the identity sorts names. */
export function byCodePoint(a, b) {
  const [left, right] = [Array.from(a), Array.from(b)]
  const at = left.findIndex((character, i) => character !== right[i])
  if (at < 0) return left.length - right.length
  return at < right.length ? left[at].codePointAt(0) - right[at].codePointAt(0) : 1
}

/** Returns a text as a JSON string of ASCII characters. */
export function ascii(text) {
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(text).replace(/[\x7f-\uffff]/g, (unit) => (unit === '\x7f' ? unit : escaped(unit)))
}

/** Writes a number as Python does: floats keep a fraction or an exponent, of at least two digits. */
function numberOf(text) {
  if (!/[.eE]/.test(text)) return BigInt(text).toString()
  const value = Number(text)
  const [, sign, digits, exponent] = /^(-?)([\d.]+)e([-+]\d+)$/.exec(value.toExponential())
  const power = Number(exponent)
  if (value !== 0 && (power < -4 || power >= 16)) {
    const shown = Math.abs(power).toString().padStart(2, '0')
    return `${sign}${digits}e${power < 0 ? '-' : '+'}${shown}`
  }
  const plain = expanded(digits.replace('.', ''), power)
  return (Object.is(value, -0) ? '-' : sign) + plain
}

/** Returns the digits of a number that is d.ddd times ten to a power, without an exponent. */
function expanded(digits, power) {
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`
  const whole = digits.padEnd(power + 1, '0')
  return `${whole.slice(0, power + 1)}.${whole.slice(power + 1) || '0'}`
}
