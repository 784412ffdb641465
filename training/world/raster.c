/* A z-buffer for triangles of three materials over a painted background. One thread, no allocation kept. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PLASTIC, METAL, WOODEN };
enum { GRADIENT, PLAIN, CHECKER, STRIPES, CLOUDS, BRICKS, GRASS, SPOTS, WINDOW, RINGS, COBBLES, ZIGZAG };
enum { SHADOWS = 4 };

typedef struct {
    int32_t width, height, pattern;
    uint32_t seed;                 /* of the pattern */
    uint32_t noise;                /* of the grain */
    float rotation[9], shift[3];   /* world -> camera: x right, y down, z forward */
    float focal, centre_x, centre_y;
    float light[3], ambient, gloss; /* light: unit vector in camera axes, towards the light */
    float bands, phase;            /* what metal reflects: brightness along the reflected ray's height, radians */
    float near_colour[3], far_colour[3], floor_colour[3];
    float scale, angle, horizon, grain; /* horizon: height (0..1 from the top) where the floor begins, above 1 for none */
    float shadows[SHADOWS][5];     /* centre x, y, radii x, y (pixels), strength */
} Shot;

static float clamp01(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static float smooth(float x) { return x * x * (3 - 2 * x); }

static float dot(const float *a, const float *b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static uint32_t mix(uint32_t x) {
    x ^= x >> 16; x *= 0x7feb352dU; x ^= x >> 15; x *= 0x846ca68bU; x ^= x >> 16;
    return x;
}

static float lattice(int x, int y, uint32_t seed) {
    return (float)(mix((uint32_t)x * 0x9E3779B1U ^ mix((uint32_t)y + seed)) & 0xffff) / 65535.0f;
}

static float cloud(float x, float y, uint32_t seed) {
    float fx = floorf(x), fy = floorf(y), u = smooth(x - fx), v = smooth(y - fy);
    int ix = (int)fx, iy = (int)fy;
    float a = lattice(ix, iy, seed), b = lattice(ix + 1, iy, seed);
    float c = lattice(ix, iy + 1, seed), d = lattice(ix + 1, iy + 1, seed);
    return (a + (b - a) * u) * (1 - v) + (c + (d - c) * u) * v;
}

/* How close (x, y) comes to the middle of its cell's stone, and how far the next stone is: Worley's two distances. */
static float cobble(float x, float y, uint32_t seed) {
    int ix = (int)floorf(x), iy = (int)floorf(y);
    float first = 9, second = 9, tone = 0;
    for (int j = iy - 1; j <= iy + 1; j++)
        for (int i = ix - 1; i <= ix + 1; i++) {
            float dx = i + 0.15f + 0.7f * lattice(i, j, seed) - x, dy = j + 0.15f + 0.7f * lattice(i, j, seed + 1) - y, d = dx * dx + dy * dy;
            if (d < first) { second = first; first = d; tone = lattice(i, j, seed + 2); }
            else if (d < second) second = d;
        }
    return sqrtf(second) - sqrtf(first) < 0.12f ? 0 : 0.5f + 0.5f * tone;
}

/* The mixture of the two wall colours at (x, y), both -0.5..0.5. */
static float blend(const Shot *s, float x, float y, float c, float n) {
    float u = (x * c + y * n) * s->scale, v = (y * c - x * n) * s->scale; /* turned by the angle */
    float p = x * s->scale, q = y * s->scale;                            /* upright */
    switch (s->pattern) {
    case GRADIENT: return clamp01(0.5f + 0.7f * (x * c + y * n));
    case PLAIN: return 0.15f * (y + 0.5f);
    case CHECKER: return (((int)floorf(u) + (int)floorf(v)) & 1) ? 1.0f : 0.0f;
    case STRIPES: return 0.5f + 0.5f * sinf(u * 4.0f);
    case BRICKS: {
        float row = floorf(q * 2), along = p + 0.5f * (float)((int)row & 1), column = floorf(along);
        float edge = fminf(fminf(along - column, column + 1 - along) * 2, fminf(q * 2 - row, row + 1 - q * 2));
        return edge < 0.07f ? 0 : 0.55f + 0.45f * lattice((int)column, (int)row, s->seed);
    }
    case GRASS: return 0.7f * cloud(p * 9 + 0.8f * sinf(q * 2), q * 1.6f, s->seed) + 0.3f * cloud(p * 19, q * 4, s->seed + 3);
    case SPOTS: {
        int i = (int)floorf(u), j = (int)floorf(v);
        float dx = u - i - 0.3f - 0.4f * lattice(i, j, s->seed), dy = v - j - 0.3f - 0.4f * lattice(i, j, s->seed + 1);
        float radius = 0.14f + 0.16f * lattice(i, j, s->seed + 2);
        return dx * dx + dy * dy < radius * radius ? 1.0f : 0.0f;
    }
    case WINDOW: {
        float a = p * 0.6f - floorf(p * 0.6f), b = q * 0.45f - floorf(q * 0.45f);
        return fminf(fminf(a, 1 - a), fminf(b, 1 - b)) < 0.06f ? 0 : 0.65f + 0.35f * (a + b > 1.0f ? a : b);
    }
    case RINGS: {
        float dx = x - 0.6f * (lattice(1, 2, s->seed) - 0.5f), dy = y - 0.6f * (lattice(3, 4, s->seed) - 0.5f);
        return 0.5f + 0.5f * sinf(sqrtf(dx * dx + dy * dy) * s->scale * 5);
    }
    case COBBLES: return cobble(p, q, s->seed);
    case ZIGZAG: {
        float a = u - floorf(u), b = v * 1.5f + fabsf(a - 0.5f) * 1.6f;
        return b - floorf(b) < 0.5f ? 1.0f : 0.0f;
    }
    default: return clamp01(0.65f * cloud(p, q, s->seed) + 0.35f * cloud(p * 3, q * 3, s->seed + 7));
    }
}

/* The background alone: no shadow, no grain. */
void paint(const Shot *s, uint8_t *out) {
    float c = cosf(s->angle), n = sinf(s->angle);
    for (int y = 0; y < s->height; y++) {
        float height = (float)y / s->height;
        for (int x = 0; x < s->width; x++, out += 3)
            if (height >= s->horizon)
                for (int k = 0; k < 3; k++) out[k] = (uint8_t)(255 * clamp01(s->floor_colour[k] * (0.82f + 0.3f * (height - s->horizon))));
            else {
                float t = blend(s, (float)x / s->width - 0.5f, height - 0.5f, c, n);
                for (int k = 0; k < 3; k++) out[k] = (uint8_t)(255 * clamp01(s->near_colour[k] + (s->far_colour[k] - s->near_colour[k]) * t));
            }
    }
}

static void darken(const Shot *s, const float *e, uint8_t *out) {
    if (e[4] <= 0 || e[2] < 0.5f || e[3] < 0.5f) return;
    int x0 = (int)fmaxf(0, e[0] - e[2]), x1 = (int)fminf(s->width - 1, e[0] + e[2]);
    int y0 = (int)fmaxf(0, e[1] - e[3]), y1 = (int)fminf(s->height - 1, e[1] + e[3]);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            float dx = (x - e[0]) / e[2], dy = (y - e[1]) / e[3], d = dx * dx + dy * dy;
            if (d < 1) for (int k = 0; k < 3; k++) out[(y * s->width + x) * 3 + k] *= 1 - e[4] * (1 - d);
        }
}

/* Wood about the z axis: the lines of its rings, bent by noise that is long along z, and fine fibres; 0 (bright) .. 1 (dark). */
static float wood(float x, float y, float z) {
    float ring = 4.6f * sqrtf(x * x + y * y) + 1.1f * cloud(z * 1.1f + 5, x * 1.6f + y * 1.3f, 11);
    float across = ring - floorf(ring), line = 1 - fabsf(across - 0.5f) / 0.26f; /* dark for half of the way, darkest in the middle */
    return 0.75f * (line > 0 ? smooth(line) : 0) * (0.7f + 0.3f * lattice((int)floorf(ring), 3, 13)) + 0.25f * cloud(z * 2.5f, (x - y) * 14, 12);
}

/* How bright the surroundings are that metal reflects, 0..1: a few broad bands, bent a little over the surface. */
static float surroundings(float bands, float phase, float up, const float *at) {
    return smooth(0.5f + 0.5f * sinf(bands * (up + 0.3f * sinf(2.3f * at[0] + 1) + 0.3f * sinf(2.9f * at[1]) + 0.3f * sinf(at[2])) + phase));
}

/* The colour of points whose material shows without light: factors [n] for the brightness. `up`: the normals' heights. */
void tones(const float *at, const uint8_t *material, const float *up, int n, float bands, float phase, float *out) {
    for (int i = 0; i < n; i++, at += 3)
        out[i] = material[i] == WOODEN ? 1.08f - 0.6f * wood(at[0], at[1], at[2])
               : material[i] == METAL ? 0.5f + 0.8f * surroundings(bands, phase, up[i], at) : 1;
}

static void shade(const Shot *s, const float *colour, int material, const float *at, float *n, const float *eye, uint8_t *rgb) {
    float facing = dot(n, eye); /* from the eye to the surface: negative when the surface faces it; two-sided */
    float length = 1 / sqrtf(fmaxf(1e-12f, dot(n, n))) * (facing > 0 ? -1.0f : 1.0f);
    for (int k = 0; k < 3; k++) n[k] *= length;
    facing = -fabsf(facing * length);
    float lit = dot(n, s->light), ray[3];
    if (lit < 0) lit *= -0.15f;
    for (int k = 0; k < 3; k++) ray[k] = eye[k] - 2 * facing * n[k];
    float glance = dot(ray, s->light), spot = glance > 0 ? glance : 0;
    spot *= spot; spot *= spot; spot *= spot; /* 8 */
    float bright, white, worn = 0;
    if (material == METAL) {
        float seen = surroundings(s->bands, s->phase, -ray[1], at), edge = 1 + facing;
        bright = 0.2f + 0.2f * lit + 0.95f * seen + 0.25f * edge * edge;
        spot *= spot; spot *= spot;
        white = 0.13f * seen * seen + 0.75f * spot;
    } else if (material == WOODEN) {
        float dark = wood(at[0], at[1], at[2]);
        bright = (s->ambient + (1 - s->ambient) * lit) * (1.12f - 0.5f * dark);
        white = 0.08f * (1 - dark);
        worn = 0.1f * dark; /* the lines are a little brown */
    } else {
        bright = s->ambient + (1 - s->ambient) * lit;
        white = s->gloss * spot * spot;
    }
    for (int k = 0; k < 3; k++) rgb[k] = (uint8_t)(255 * clamp01(colour[k] * (bright - k * worn) + white));
}

typedef struct { float depth, u, v; int32_t face; } Sample; /* depth: 1 / distance, larger is nearer */

static void fill(const Shot *s, const float *a, const float *b, const float *c, int face, Sample *samples) {
    float area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    if (fabsf(area) < 1e-6f) return;
    float left = fminf(a[0], fminf(b[0], c[0])), right = fmaxf(a[0], fmaxf(b[0], c[0]));
    float top = fminf(a[1], fminf(b[1], c[1])), bottom = fmaxf(a[1], fmaxf(b[1], c[1]));
    int x0 = (int)ceilf(fmaxf(left, 0) - 0.5f), x1 = (int)floorf(fminf(right, s->width) - 0.5f);
    int y0 = (int)ceilf(fmaxf(top, 0) - 0.5f), y1 = (int)floorf(fminf(bottom, s->height) - 0.5f);
    float du = (b[1] - c[1]) / area, dv = (c[1] - a[1]) / area;
    for (int y = y0; y <= y1; y++) {
        float px = x0 + 0.5f, py = y + 0.5f;
        float u0 = ((b[0] - px) * (c[1] - py) - (b[1] - py) * (c[0] - px)) / area;
        float v0 = ((c[0] - px) * (a[1] - py) - (c[1] - py) * (a[0] - px)) / area;
        Sample *sample = samples + (size_t)y * s->width + x0;
        for (int i = 0; i <= x1 - x0; i++, sample++) {
            float u = u0 + i * du, v = v0 + i * dv, w = 1 - u - v;
            if (u < -1e-5f || v < -1e-5f || w < -1e-5f) continue;
            float depth = u * a[2] + v * b[2] + w * c[2];
            if (depth <= sample->depth) continue;
            *sample = (Sample){depth, u, v, face};
        }
    }
}

/* Corner normals [nf, 3, 3]: the mean over the faces around the vertex that meet at less than 50 degrees. */
static void round_off(const float *flat, const int32_t *faces, int nf, int nv, int32_t *starts, int32_t *around, float *normals) {
    memset(starts, 0, sizeof(int32_t) * ((size_t)nv + 1));
    for (int i = 0; i < 3 * nf; i++) starts[faces[i] + 1]++;
    for (int i = 0; i < nv; i++) starts[i + 1] += starts[i];
    for (int i = 3 * nf - 1; i >= 0; i--) around[--starts[faces[i] + 1]] = i / 3;
    /* each start now stands one place further on: vertex v's faces are around[starts[v + 1] ..] up to the next start */
    for (int i = 0; i < 3 * nf; i++) {
        const float *own = flat + 4 * (i / 3);
        int from = starts[faces[i] + 1], to = faces[i] + 2 <= nv ? starts[faces[i] + 2] : 3 * nf;
        float *sum = normals + 3 * (size_t)i;
        sum[0] = sum[1] = sum[2] = 0;
        for (int j = from; j < to; j++) {
            const float *other = flat + 4 * around[j];
            float turn = dot(own, other);
            if (fabsf(turn) < 0.64f) continue;
            float weight = turn > 0 ? other[3] : -other[3];
            for (int k = 0; k < 3; k++) sum[k] += weight * other[k];
        }
    }
}

/* Paints the mesh over `out`, which holds the background already. `at`: the vertices in the grain's own axes. */
int render(const Shot *s, const float *vertices, const float *at, int nv, const int32_t *faces, const float *colours, const uint8_t *materials,
           int nf, uint8_t *out) {
    size_t pixels = (size_t)s->width * s->height;
    float *floats = malloc(sizeof(float) * (6 * (size_t)nv + 13 * (size_t)nf));
    int32_t *whole = malloc(sizeof(int32_t) * ((size_t)nv + 1 + 3 * (size_t)nf));
    Sample *samples = calloc(pixels, sizeof(Sample));
    if (!floats || !whole || !samples) { free(floats); free(whole); free(samples); return 1; }
    float *view = floats, *screen = view + 3 * (size_t)nv, *flat = screen + 3 * (size_t)nv, *normals = flat + 4 * (size_t)nf;
    for (int i = 0; i < SHADOWS; i++) darken(s, s->shadows[i], out);
    for (int i = 0; i < nv; i++) {
        float *q = view + 3 * i, *p = screen + 3 * i;
        for (int k = 0; k < 3; k++) q[k] = dot(s->rotation + 3 * k, vertices + 3 * i) + s->shift[k];
        float z = q[2] < 0.05f ? 0.05f : q[2];
        p[0] = s->centre_x + s->focal * q[0] / z;
        p[1] = s->centre_y + s->focal * q[1] / z;
        p[2] = 1 / z;
    }
    for (int i = 0; i < nf; i++) { /* unit normal and area of each face */
        const int32_t *f = faces + 3 * i;
        const float *a = view + 3 * f[0], *b = view + 3 * f[1], *c = view + 3 * f[2];
        float e[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]}, g[3] = {c[0] - a[0], c[1] - a[1], c[2] - a[2]};
        float n[3] = {e[1] * g[2] - e[2] * g[1], e[2] * g[0] - e[0] * g[2], e[0] * g[1] - e[1] * g[0]};
        float length = sqrtf(dot(n, n)), scale = length > 1e-9f ? 1 / length : 0;
        for (int k = 0; k < 3; k++) flat[4 * i + k] = n[k] * scale;
        flat[4 * i + 3] = length;
        if (scale > 0) fill(s, screen + 3 * f[0], screen + 3 * f[1], screen + 3 * f[2], i, samples);
    }
    round_off(flat, faces, nf, nv, whole, whole + nv + 1, normals);
    uint32_t state = s->noise | 1;
    float strength = 255 * s->grain / 65536;
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++, out += 3) {
            const Sample *p = samples + (size_t)y * s->width + x;
            if (p->depth > 0) {
                const int32_t *f = faces + 3 * p->face;
                float z = 1 / p->depth, w[3] = {p->u * screen[3 * f[0] + 2] * z, p->v * screen[3 * f[1] + 2] * z, 0};
                w[2] = 1 - w[0] - w[1]; /* the weights that perspective leaves */
                const float *n = normals + 9 * (size_t)p->face, *a = at + 3 * f[0], *b = at + 3 * f[1], *c = at + 3 * f[2];
                float normal[3], place[3], eye[3] = {(x + 0.5f - s->centre_x) / s->focal, (y + 0.5f - s->centre_y) / s->focal, 1};
                float length = 1 / sqrtf(dot(eye, eye));
                for (int k = 0; k < 3; k++) {
                    normal[k] = w[0] * n[k] + w[1] * n[3 + k] + w[2] * n[6 + k];
                    place[k] = w[0] * a[k] + w[1] * b[k] + w[2] * c[k];
                    eye[k] *= length;
                }
                shade(s, colours + 3 * p->face, materials[p->face], place, normal, eye, out);
            }
            state = state * 1664525u + 1013904223u;
            float noise = strength * ((float)(state >> 16) - 32768.0f) + 0.5f;
            for (int k = 0; k < 3; k++) out[k] = (uint8_t)fminf(255, fmaxf(0, out[k] + noise));
        }
    free(floats);
    free(whole);
    free(samples);
    return 0;
}

/* Farthest-point sampling: starts at the point farthest from the centroid, ties go to the lowest index. */
int farthest(const float *points, int stride, int n, int wanted, int32_t *chosen) {
    double mean[3] = {0, 0, 0};
    float *gap = malloc(sizeof(float) * (size_t)n);
    if (!gap) return 1;
    for (int i = 0; i < n; i++) for (int k = 0; k < 3; k++) mean[k] += points[i * stride + k];
    int best = 0;
    double far = -1;
    for (int i = 0; i < n; i++) {
        double d = 0;
        for (int k = 0; k < 3; k++) { double x = points[i * stride + k] - mean[k] / n; d += x * x; }
        if (d > far) { far = d; best = i; }
        gap[i] = INFINITY;
    }
    for (int m = 0; m < wanted; m++) {
        chosen[m] = best;
        const float *p = points + (size_t)best * stride;
        float widest = -1;
        int next = 0;
        for (int i = 0; i < n; i++) {
            const float *q = points + (size_t)i * stride;
            float x = q[0] - p[0], y = q[1] - p[1], z = q[2] - p[2], d = x * x + y * y + z * z;
            if (d < gap[i]) gap[i] = d;
            if (gap[i] > widest) { widest = gap[i]; next = i; }
        }
        best = next;
    }
    free(gap);
    return 0;
}
