/** The page: a list of pictures, and the chosen one with its facts. */

import { shownSize } from './drawing.mjs'
import { Entry } from './entry.mjs'
import { factsOf } from './facts.mjs'
import { fileAt } from './files.mjs'
import { pngOf } from './png.mjs'

const entries = []
let chosen = null
const find = (id) => document.getElementById(id)

/** Makes the page work, with the files of a gallery, if there are some. */
export function openViewer(gallery = []) {
  find('choose').addEventListener('change', (event) => open(event.target.files))
  find('save').addEventListener('click', () => save(chosen))
  find('keep').addEventListener('click', () => download(chosen.kept.bytes, chosen.kept.name, chosen.kept.type))
  addEventListener('dragover', (event) => event.preventDefault())
  addEventListener('drop', (event) => {
    event.preventDefault()
    open(event.dataTransfer.files)
  })
  addEventListener('keydown', step)
  for (const { name, source } of gallery) add(new Entry(name, () => fileAt(source)))
  if (entries.length) choose(entries[0])
}

function open(files) {
  const first = entries.length
  for (const file of files) add(new Entry(file.name, async () => new Uint8Array(await file.arrayBuffer())))
  if (entries[first]) choose(entries[first])
}

/** Adds an entry to the list; the images of an archive follow it. */
function add(entry, behind = entries[entries.length - 1]) {
  entry.onChange = () => entry === chosen && show()
  entry.onMembers = (members) => members.reduce((before, member) => add(member, before), entry)
  entries.splice(entries.indexOf(behind) + 1, 0, entry)
  entry.button.addEventListener('click', () => choose(entry))
  if (behind) behind.button.after(entry.button)
  else find('list').append(entry.button)
  document.body.classList.add('filled')
  return entry
}

function choose(entry) {
  chosen?.button.removeAttribute('aria-current')
  chosen = entry
  entry.button.setAttribute('aria-current', 'true')
  entry.button.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  entry.open()
  show()
}

function step(event) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
  const next = by && entries[entries.indexOf(chosen) + by]
  if (next) choose(next)
}

function show() {
  const { canvas, error, share, about, bytes, image, kept, picture } = chosen
  find('name').textContent = chosen.name
  find('picture').replaceChildren(picture ?? canvas)
  const size = about?.width && shownSize({ ...about, orientation: image?.orientation })
  if (size) canvas.style.cssText = `aspect-ratio:${size.width}/${size.height};--width:${size.width}px`
  find('error').textContent = error
  find('error').hidden = !error
  find('progress').value = share
  find('progress').hidden = share === null
  find('save').disabled = !image
  find('keep').hidden = !kept
  find('facts').replaceChildren(...factsOf(about, bytes).flatMap(row))
}

function row([name, value]) {
  const [term, text] = ['dt', 'dd'].map((tag) => document.createElement(tag))
  term.textContent = name
  text.textContent = value
  return [term, text]
}

async function save({ image, name }) {
  download(await pngOf(image), `${name.replace(/\.dvq$/i, '')}.png`, 'image/png')
}

function download(bytes, name, type) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([bytes], { type }))
  link.download = name.slice(name.lastIndexOf('/') + 1)
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
