// Landscapes that nobody has photographed, for the screenshot.

import { png } from './png.mjs';

const WIDTH = 480;
const HEIGHT = 320;

const mix = (a, b, share) =>
  a.map((value, i) => Math.round(value + (b[i] - value) * Math.min(1, Math.max(0, share))));

// Waves of several lengths make the outline of a range of hills; `seed` moves them.
const outline = (x, seed) =>
  Math.sin(x / 61 + seed) + Math.sin(x / 29 + seed * 2.3) / 2 + Math.sin(x / 13 + seed * 5.1) / 5;

const hills = ({ sky, ground, sun, ranges = 4, rough = 14 }) =>
  png(WIDTH, HEIGHT, (x, y) => {
    for (let range = ranges - 1; range >= 0; range -= 1) {
      const top = 130 + range * (170 / ranges) + outline(x, range * 1.7 + 1) * rough;
      if (y > top) return mix(...ground, range / (ranges - 1 || 1));
    }
    const away = Math.hypot(x - sun.x, y - sun.y);
    const back = mix(...sky, y / 200);
    return away < sun.r ? sun.colour : mix(sun.colour, back, 0.35 + (away - sun.r) / 160);
  });

const lights = () =>
  png(WIDTH, HEIGHT, (x, y) => {
    if (y > 255 + outline(x, 4) * 12) return [8, 14, 26];
    if ((x * 7919 + y * 104_729) % 2003 === 0 && y < 200) return [235, 240, 255];
    const curtain =
      Math.exp(-(((y - 130 - Math.sin(x / 55) * 38) / 58) ** 2)) *
      (0.55 + 0.45 * Math.sin(x / 9 + Math.sin(x / 37) * 3));
    return mix(mix([10, 18, 48], [24, 34, 82], y / 255), [70, 235, 170], curtain * 0.85);
  });

const sea = () =>
  png(WIDTH, HEIGHT, (x, y) => {
    const sail = x > 250 && y > 95 && y < 178 && x - 250 < (y - 95) * 0.62;
    const jib = x < 244 && y > 115 && y < 178 && 244 - x < (y - 115) * 0.55;
    const hull = y >= 182 && y < 200 && x > 205 + (y - 182) && x < 312 - (y - 182) * 1.4;
    if (sail || jib) return [252, 250, 244];
    if (hull) return [176, 64, 52];
    if (y < 170) return mix([116, 184, 232], [222, 240, 250], y / 170);
    const wave = Math.sin(x / 17 + y / 5) * Math.sin(y / (4 + (y - 170) / 22));
    return mix(mix([66, 152, 190], [14, 72, 122], (y - 170) / 150), [210, 238, 246], wave > 0.86 ? 0.5 : 0);
  });

const city = () =>
  png(WIDTH, HEIGHT, (x, y) => {
    const house = Math.floor(x / 40);
    const top = 90 + ((house * 73) % 11) * 13;
    if (y > top && x % 40 > 2) {
      const lit =
        x % 10 > 4 && y % 14 > 7 && (house * 31 + Math.floor(x / 10) * 17 + Math.floor(y / 14) * 29) % 5 < 2;
      return lit ? [255, 214, 130] : mix([40, 44, 78], [24, 26, 52], (y - top) / 180);
    }
    const moon = Math.hypot(x - 380, y - 56);
    return moon < 26 ? [250, 246, 226] : mix([46, 40, 98], [232, 138, 128], y / 300 - 0.05);
  });

/** What a video shows at its beginning. */
export const still = () =>
  hills({
    sky: [
      [64, 46, 112],
      [246, 160, 128],
    ],
    ground: [
      [122, 76, 132],
      [34, 22, 58],
    ],
    sun: { x: 240, y: 120, r: 34, colour: [255, 226, 176] },
    ranges: 5,
    rough: 18,
  });

/** [name, bytes] each. */
export const pictures = () => [
  ['Aurora.png', lights()],
  ['City at dusk.png', city()],
  ['Sailing boat.png', sea()],
  [
    'Autumn hills.png',
    hills({
      sky: [
        [250, 200, 140],
        [255, 236, 206],
      ],
      ground: [
        [206, 138, 92],
        [96, 44, 36],
      ],
      sun: { x: 340, y: 92, r: 30, colour: [255, 246, 220] },
    }),
  ],
  [
    'Misty mountains.png',
    hills({
      sky: [
        [150, 190, 226],
        [232, 242, 250],
      ],
      ground: [
        [160, 190, 214],
        [26, 58, 84],
      ],
      sun: { x: 120, y: 70, r: 22, colour: [255, 255, 246] },
      ranges: 6,
      rough: 20,
    }),
  ],
  [
    'Dunes.png',
    hills({
      sky: [
        [84, 150, 214],
        [206, 230, 244],
      ],
      ground: [
        [244, 206, 142],
        [190, 118, 62],
      ],
      sun: { x: 390, y: 60, r: 18, colour: [255, 252, 224] },
      ranges: 3,
      rough: 22,
    }),
  ],
];
