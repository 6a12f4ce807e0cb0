import { el, setText } from './dom.js';

const span = 600;

/** A chart of the last ten minutes. series: [{ name, value(point), show(value) }], at most two. whole: the values are whole numbers, and so are the axis labels. */
export function chart(title, series, whole = false) {
  const plot = el('div', { class: 'plot' });
  const keys = series.map((s, i) => el('span', { class: i ? 'key second' : 'key' }, s.name));
  const root = el('figure', { class: 'chart' }, el('figcaption', {}, el('strong', {}, title), ...keys), plot);
  plot.setAttribute('role', 'img');
  plot.setAttribute('aria-label', `${title}: no data yet.`);
  let points = [];
  let shown = null;
  let colors = '';

  const data = () => [points.map((p) => p.time), ...series.map((s) => points.map((p) => (p.gap ? null : s.value(p))))];

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function draw() {
    const width = plot.clientWidth;
    if (width < 50) {
      return;
    }
    const now = `${width}|${color('--line-1')}`;
    if (!shown || colors !== now) {
      shown?.destroy();
      colors = now;
      const axis = { stroke: color('--soft'), grid: { stroke: color('--pico-muted-border-color'), width: 1 }, ticks: { show: false }, font: '11px system-ui' };
      shown = new window.uPlot({
        width,
        height: 150,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { range: () => { const last = points.at(-1)?.time ?? Date.now() / 1000; return [last - span, last]; } }, y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1) * 1.1] } },
        axes: [{ ...axis, values: (_, at) => at.map((t) => new Date(t * 1000).toLocaleTimeString('en-GB').slice(0, 5)), space: 60, size: 26 }, { ...axis, size: 70, ...(whole ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6] } : {}), values: (_, at) => at.map((v) => series[0].show(v)) }],
        series: [{}, ...series.map((_, i) => ({ stroke: color(i ? '--line-2' : '--line-1'), width: 2, points: { show: false }, spanGaps: false }))],
      }, data(), plot);
    } else {
      shown.setData(data());
    }
  }

  new ResizeObserver(draw).observe(plot);
  return {
    root,
    redraw: draw,
    update(all) {
      points = all;
      const last = all.at(-1);
      if (last) {
        series.forEach((s, i) => setText(keys[i], `${s.name}: ${s.show(s.value(last))}`));
        plot.setAttribute('aria-label', `${title}, the last ten minutes. Now: ${series.map((s) => `${s.name} ${s.show(s.value(last))}`).join(', ')}.`);
      }
      draw();
    },
  };
}

/** The points of ten minutes, with gaps for times when no browser watched. */
export class History {
  points = [];

  add(points) {
    for (const point of points) {
      const last = this.points.at(-1);
      if (last && point.time <= last.time) {
        continue;
      }
      if (last && point.time - last.time > 5) {
        this.points.push({ time: last.time + 1, gap: true });
      }
      this.points.push(point);
    }
    const least = (this.points.at(-1)?.time ?? 0) - span;
    this.points = this.points.filter((p) => p.time >= least);
  }
}
