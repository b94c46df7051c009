/** One picture of the page's list: its thumbnail, its pixels once they are wanted, and what is wrong with it. */

import { draw } from './drawing.mjs'
import { pngOf } from './png.mjs'
import { request } from './pool.mjs'

/** The suffixes of image files by their types, where they differ from the type's second word. */
const SUFFIXES = { jpeg: 'jpg', 'x-portable-anymap': 'pnm' }

/** A picture of the list, or an archive of pictures. */
export class Entry {
  /**
   * Makes the entry, and its thumbnail once it can be seen.
   * @param {string} name
   * @param {() => Promise<Uint8Array>} load Returns the bytes of the file, or of the segment that holds the image.
   * @param {object} [image] An image of an archive, as `info` describes it.
   */
  constructor(name, load, image = null) {
    this.name = name
    this.load = load
    this.member = image
    this.canvas = document.createElement('canvas')
    this.bytes = this.about = this.image = this.kept = this.picture = this.share = null
    this.error = ''
    this.onChange = this.onMembers = () => {}
    this.button = document.createElement('button')
    this.button.append(document.createElement('canvas'), document.createElement('span'))
    this.button.lastChild.textContent = name
    const seen = new IntersectionObserver((all) => {
      if (!all.some((one) => one.isIntersecting)) return
      seen.disconnect()
      this.preview()
    })
    seen.observe(this.button)
  }

  /** Reads the file and its header, once. */
  read() {
    this.reading ??= (async () => {
      this.bytes = await this.load()
      this.about = this.member ?? (await request('info', this.bytes))
      if (this.about.kind === 'archive') this.onMembers(this.members())
      if (this.about.kind === 'file') this.kept = await this.keptFile()
    })()
    return this.reading
  }

  /** Returns entries for the images of an archive. */
  members() {
    return this.about.images.map(({ first, last, ...image }) => {
      const load = async () => this.bytes.slice(first, last)
      const name = image.name || String(image.position + 1)
      return new Entry(name, load, { ...image, kind: 'member', first: 0, last: last - first })
    })
  }

  async keptFile() {
    const { bytes, type } = await request('kept', this.bytes)
    const kind = type.split('/')[1]
    return { bytes, type, name: `${this.name.replace(/\.dvq$/i, '')}.${SUFFIXES[kind] ?? kind}` }
  }

  /** Draws the thumbnail. */
  async preview() {
    try {
      await this.read()
      if (this.about.kind === 'archive') return
      const small = this.about.width * this.about.height < 2 ** 16
      const preview = this.about.fault && this.about.wholeChunks ? 'all' : null
      const image = await request('decode', this.bytes, { scale: small ? 1 : 1 / 8, preview, image: this.member })
      draw(this.button.firstChild, image)
    } catch (error) {
      this.button.classList.add('broken')
      this.button.title = error.message
    }
  }

  /** Decodes the picture, once; where it is damaged, as much of it as is whole. */
  async open() {
    if (this.opened) return
    this.opened = true
    try {
      await this.read()
      if (this.about.kind === 'archive') this.error = this.about.faults.map((fault) => `${this.name}: ${fault}`).join('\n')
      else await this.decode(null)
    } catch (error) {
      this.error = `${this.name}: ${error.message}`
      if (this.about?.wholeChunks) await this.decode('all').catch(() => {})
    }
    this.share = null
    this.onChange()
  }

  async decode(preview) {
    this.share = 0
    this.onChange()
    const image = await request('decode', this.bytes, { preview, image: this.member }, (share, coarse) => {
      this.share = share
      if (coarse) draw(this.canvas, coarse)
      this.onChange()
    })
    draw(this.canvas, image)
    this.image = image
    if (image.icc.length) await this.manage()
  }

  /** Lets the browser convert colours that are not sRGB: it does so for image files only. */
  async manage() {
    const picture = new Image()
    picture.src = URL.createObjectURL(new Blob([await pngOf(this.image)], { type: 'image/png' }))
    await picture.decode()
    if (this.image.orientation === 1) this.picture = picture
  }
}
