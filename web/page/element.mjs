/** The element <dvq-img src="picture.dvq" alt="...">, which shows a .dvq file as <img> shows others. */

import { draw } from './drawing.mjs'
import { fileAt } from './files.mjs'
import { request } from './pool.mjs'

const STYLE = ':host{display:inline-block;max-width:100%}canvas{display:block;max-width:100%;height:auto}p{margin:0}'

/** Shows a file: first a coarse picture, then all of it. The events `load` and `error` are those of <img>. */
export class DvqImage extends HTMLElement {
  static observedAttributes = ['src', 'alt']

  constructor() {
    super()
    const root = this.attachShadow({ mode: 'open' })
    root.innerHTML = `<style>${STYLE}</style><canvas role="img" width="0" height="0"></canvas><p hidden></p>`
    this.canvas = root.querySelector('canvas')
    this.message = root.querySelector('p')
    this.turn = 0
    this.seen = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && this.show(), {
      rootMargin: '50%',
    })
  }

  connectedCallback() {
    this.seen.observe(this)
  }

  disconnectedCallback() {
    this.seen.disconnect()
  }

  attributeChangedCallback(name, _, value) {
    if (name === 'alt') this.canvas.setAttribute('aria-label', value ?? '')
    else if (this.isConnected) this.seen.observe(this)
  }

  /** Decodes the file, in the size that the attribute `scale` asks for. */
  async show() {
    this.seen.unobserve(this)
    const turn = ++this.turn
    try {
      const bytes = await fileAt(this.getAttribute('src'))
      const scale = this.getAttribute('scale') ?? '1/1'
      const image = await request('decode', bytes, { scale }, (_, coarse) => {
        if (coarse && turn === this.turn) draw(this.canvas, coarse)
      })
      if (turn !== this.turn) return
      draw(this.canvas, image)
      this.message.hidden = true
      this.dispatchEvent(new Event('load'))
    } catch (error) {
      if (turn !== this.turn) return
      this.message.textContent = `${this.getAttribute('alt') ?? ''} (${error.message})`.trim()
      this.message.hidden = false
      this.dispatchEvent(new ErrorEvent('error', { message: error.message }))
    }
  }
}
