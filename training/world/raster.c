/* A z-buffer for flat-shaded triangles over a painted background. One thread, no allocation kept. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int32_t width, height, pattern;
    uint32_t seed;
    float rotation[9], shift[3];   /* world -> camera: x right, y down, z forward */
    float focal, centre_x, centre_y;
    float light[3], ambient, gloss; /* light: unit vector in camera axes, towards the light */
    float near_colour[3], far_colour[3], scale, angle, horizon, grain;
    float shadow[5];               /* centre x, y, radii x, y (pixels), strength */
} Scene;

static float clamp01(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static uint32_t mix(uint32_t x) {
    x ^= x >> 16; x *= 0x7feb352dU; x ^= x >> 15; x *= 0x846ca68bU; x ^= x >> 16;
    return x;
}

static float lattice(int x, int y, uint32_t seed) {
    return (float)(mix((uint32_t)x * 0x9E3779B1U ^ mix((uint32_t)y + seed)) & 0xffff) / 65535.0f;
}

static float cloud(float x, float y, uint32_t seed) {
    float fx = floorf(x), fy = floorf(y), u = x - fx, v = y - fy;
    int ix = (int)fx, iy = (int)fy;
    u = u * u * (3 - 2 * u); v = v * v * (3 - 2 * v);
    float a = lattice(ix, iy, seed), b = lattice(ix + 1, iy, seed);
    float c = lattice(ix, iy + 1, seed), d = lattice(ix + 1, iy + 1, seed);
    return (a + (b - a) * u) * (1 - v) + (c + (d - c) * u) * v;
}

static float blend(const Scene *s, float x, float y) {
    float c = cosf(s->angle), n = sinf(s->angle);
    float u = x * c + y * n, v = y * c - x * n;
    switch (s->pattern) {
    case 0: return clamp01(0.5f + u * 0.7f);
    case 1: return y + 0.5f > s->horizon ? 1.0f - 0.4f * (y + 0.5f - s->horizon) : 0.15f * (y + 0.5f);
    case 2: return (((int)floorf(u * s->scale) + (int)floorf(v * s->scale)) & 1) ? 1.0f : 0.0f;
    case 3: return 0.5f + 0.5f * sinf(u * s->scale * 4.0f);
    default: return clamp01(0.65f * cloud(x * s->scale, y * s->scale, s->seed) + 0.35f * cloud(x * s->scale * 3, y * s->scale * 3, s->seed + 7));
    }
}

static void paint(const Scene *s, uint8_t *out) {
    uint32_t state = s->seed | 1;
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++) {
            float t = blend(s, (float)x / s->width - 0.5f, (float)y / s->height - 0.5f);
            float dx = (x - s->shadow[0]) / s->shadow[2], dy = (y - s->shadow[1]) / s->shadow[3];
            float d = dx * dx + dy * dy, shade = d < 1 ? 1 - s->shadow[4] * (1 - d) : 1;
            state = state * 1664525u + 1013904223u;
            float noise = s->grain * ((float)(state >> 16) / 65536.0f - 0.5f);
            for (int c = 0; c < 3; c++) {
                float value = (s->near_colour[c] + (s->far_colour[c] - s->near_colour[c]) * t) * shade + noise;
                out[(y * s->width + x) * 3 + c] = (uint8_t)(255 * clamp01(value));
            }
        }
}

static void fill(const Scene *s, const float *p, const uint8_t *rgb, float *depth, uint8_t *out) {
    float ax = p[0], ay = p[1], bx = p[3], by = p[4], cx = p[6], cy = p[7];
    float area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    if (fabsf(area) < 1e-6f) return;
    int x0 = (int)floorf(fminf(ax, fminf(bx, cx))), x1 = (int)ceilf(fmaxf(ax, fmaxf(bx, cx)));
    int y0 = (int)floorf(fminf(ay, fminf(by, cy))), y1 = (int)ceilf(fmaxf(ay, fmaxf(by, cy)));
    if (x0 < 0) x0 = 0;
    if (y0 < 0) y0 = 0;
    if (x1 > s->width - 1) x1 = s->width - 1;
    if (y1 > s->height - 1) y1 = s->height - 1;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            float px = x + 0.5f, py = y + 0.5f;
            float u = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area;
            float v = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area;
            float w = 1 - u - v;
            if (u < 0 || v < 0 || w < 0) continue;
            float z = u * p[2] + v * p[5] + w * p[8]; /* 1/depth: larger is nearer */
            int at = y * s->width + x;
            if (z <= depth[at]) continue;
            depth[at] = z;
            memcpy(out + at * 3, rgb, 3);
        }
}

int render(const Scene *s, const float *vertices, int nv, const int32_t *faces, int nf, const float *colours, uint8_t *out) {
    float *view = malloc(sizeof(float) * 6 * (size_t)nv);
    float *depth = calloc((size_t)s->width * s->height, sizeof(float));
    if (!view || !depth) { free(view); free(depth); return 1; }
    float *screen = view + 3 * (size_t)nv;
    for (int i = 0; i < nv; i++) {
        const float *v = vertices + 3 * i, *r = s->rotation;
        float *q = view + 3 * i, *p = screen + 3 * i;
        for (int k = 0; k < 3; k++) q[k] = r[3 * k] * v[0] + r[3 * k + 1] * v[1] + r[3 * k + 2] * v[2] + s->shift[k];
        float z = q[2] < 0.05f ? 0.05f : q[2];
        p[0] = s->centre_x + s->focal * q[0] / z;
        p[1] = s->centre_y + s->focal * q[1] / z;
        p[2] = 1 / z;
    }
    paint(s, out);
    for (int i = 0; i < nf; i++) {
        const int32_t *f = faces + 3 * i;
        const float *a = view + 3 * f[0], *b = view + 3 * f[1], *c = view + 3 * f[2];
        float e[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]}, g[3] = {c[0] - a[0], c[1] - a[1], c[2] - a[2]};
        float n[3] = {e[1] * g[2] - e[2] * g[1], e[2] * g[0] - e[0] * g[2], e[0] * g[1] - e[1] * g[0]};
        float length = sqrtf(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
        if (length < 1e-9f) continue;
        float facing = n[0] * a[0] + n[1] * a[1] + n[2] * a[2] > 0 ? -1.0f : 1.0f; /* two-sided */
        float lit = facing * (n[0] * s->light[0] + n[1] * s->light[1] + n[2] * s->light[2]) / length;
        if (lit < 0) lit = 0.15f * -lit;
        float bright = s->ambient + (1 - s->ambient) * lit, shine = s->gloss * powf(lit, 24);
        uint8_t rgb[3];
        for (int k = 0; k < 3; k++) rgb[k] = (uint8_t)(255 * clamp01(colours[3 * i + k] * bright + shine));
        float p[9];
        for (int k = 0; k < 3; k++) memcpy(p + 3 * k, screen + 3 * f[k], 12);
        fill(s, p, rgb, depth, out);
    }
    free(view);
    free(depth);
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
