// Where each photo lies: rows of one height that fill the width, in typed arrays (100,000 photos: milliseconds).
// A day begins on a row of its own unless it fits whole beside the one before; so small days share a row.

export const GAP = 4;
const DAY_GAP = 20;
const LABEL = 160; // what a day's heading needs, in the widest of fonts
const NARROWEST = 0.45;
const WIDEST = 3.2;

export class Layout {
  /**
   * @param hits places of photos in the library, in the order shown
   * @param width of a row; as all sizes, in pixels
   * @param size `{row, heading}`: wanted height of a row, height of its headings
   * @param close from which hit on photos are only close: a group without days
   */
  constructor(hits, library, width, size, close = hits.length) {
    Object.assign(this, { hits, library, width, size, close });
    const most = hits.length + 1;
    this.first = new Uint32Array(most);
    this.top = new Float64Array(most);
    this.height = new Float32Array(most);
    this.headed = new Uint8Array(most);
    this.rows = 0;
    this.total = 0;
    this.fill();
  }

  aspect(i) {
    const known = this.library.aspect[this.hits[i]] / 1000 || 1.5;
    return Math.min(WIDEST, Math.max(NARROWEST, known));
  }

  /** Whether a heading stands over this hit. */
  heads(i) {
    if (i === 0 || i === this.close) return true;
    if (i > this.close) return false;
    return this.library.day[this.hits[i]] !== this.library.day[this.hits[i - 1]];
  }

  fill() {
    const n = this.hits.length;
    const row = this.size.row;
    let begin = 0; // of the row that is being filled
    let used = 0; // its width so far
    for (let i = 0; i < n; ) {
      let end = i + 1;
      let natural = this.aspect(i) * row;
      for (; end < n && !this.heads(end); end++) if (natural <= this.width) natural += GAP + this.aspect(end) * row;
      const whole = Math.max(natural, LABEL);
      if (i > begin) {
        if (i !== this.close && used + DAY_GAP + whole <= this.width) {
          used += DAY_GAP + whole;
          i = end;
          continue;
        }
        this.endRow(begin, i);
        begin = i;
      }
      used = 0;
      for (; i < end; i++) {
        const wide = this.aspect(i) * row;
        if (i > begin && used + GAP + wide / 2 > this.width) {
          this.endRow(begin, i);
          begin = i;
          used = 0;
        }
        used += (i > begin ? GAP : 0) + wide;
      }
      used = Math.max(used, LABEL);
    }
    if (n > begin) this.endRow(begin, n);
  }

  endRow(first, end) {
    const headed = this.anyHead(first, end);
    const place = this.rows++;
    this.first[place] = first;
    this.first[place + 1] = end;
    this.top[place] = this.total;
    this.headed[place] = headed ? 1 : 0;
    this.height[place] = this.fitting(first, end);
    this.total += this.height[place] + GAP + (headed ? this.size.heading : 0);
  }

  anyHead(first, end) {
    for (let i = first; i < end; i++) if (this.heads(i)) return true;
    return false;
  }

  /** The height at which these photos fill the width; a row with too few stays near the wanted height. */
  fitting(first, end) {
    let shares = 0;
    let fixed = 0;
    let day = 0; // as in `spaced`, without an object for each of 100,000 photos
    for (let i = first; i < end; i++) {
      const aspect = this.aspect(i);
      const wide = aspect * this.size.row;
      const fresh = i > first && this.heads(i);
      if (i > first) fixed += fresh ? DAY_GAP + Math.max(0, LABEL - day) : GAP;
      day = fresh ? wide : day + GAP + wide;
      shares += aspect;
    }
    return Math.min((this.width - fixed) / shares, this.size.row * 1.22);
  }

  /** The photos of a row: `[{i, x, width}]`. */
  place(row) {
    const height = this.height[row];
    let x = 0;
    return Array.from(this.spaced(this.first[row], this.first[row + 1]), ({ i, before }) => {
      const cell = { i, x: x + before, width: this.aspect(i) * height };
      x = cell.x + cell.width;
      return cell;
    });
  }

  /** Each hit with the room before it: a gap, or that between days with what the heading of the day before still needs. */
  *spaced(first, end) {
    let day = 0;
    for (let i = first; i < end; i++) {
      const wide = this.aspect(i) * this.size.row;
      const fresh = i > first && this.heads(i);
      yield { i, before: i === first ? 0 : fresh ? DAY_GAP + Math.max(0, LABEL - day) : GAP };
      day = fresh ? wide : day + GAP + wide;
    }
  }

  /** The last row that begins at or above y. */
  rowAt(y) {
    return this.lastOf(this.top, y);
  }

  /** The row of a hit. */
  rowOf(i) {
    return this.lastOf(this.first, i);
  }

  lastOf(numbers, most) {
    let low = 0;
    let high = this.rows - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (numbers[middle] <= most) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
