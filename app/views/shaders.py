"""The programs of the graphics card. vispy finds one uniform a declaration, so each has its own.

One accumulation serves dark stage and paper. Each sprite adds (w·colour, w). On a dark stage the
sum is light, 1 − exp(−Σ w c), so that crowds grow bright without clipping to white. On paper it is
ink: the mean colour covering 1 − exp(−Σ w), so that crowds grow dense and keep their hue.
"""

# {dim} is 2 or 3: how many coordinates a point brings along.
SPRITE = """
attribute vec{dim} place;
attribute float value;
uniform mat4 project;
uniform vec2 shift;      // of a periodic image
uniform float low;
uniform float per_span;
uniform float cyclic;
uniform float by_depth;  // 1: the colour is the depth
uniform float size;      // pixels, at w = 1
uniform float smallest;
uniform float largest;
uniform float strength;
uniform vec2 depths;     // nearest and farthest w; equal in 2D
uniform sampler2D colours;
varying vec3 colour;
varying float weight;
varying vec2 along;
void main() {{
    vec4 at = vec4(place{fill}, 1.0);
    at.xy += shift;
    gl_Position = project * at;
    float wanted = size / gl_Position.w;
    float drawn = clamp(wanted, smallest, largest);
    gl_PointSize = drawn;
    float fade = clamp((gl_Position.w - depths.x) / max(depths.y - depths.x, 1e-9), 0.0, 1.0);
    float level = clamp((value - low) * per_span, 0.001, 0.999);
    level = mix(level, fract(value * 0.15915494), cyclic);
    level = mix(level, 0.97 - 0.7 * fade, by_depth);
    colour = texture2D(colours, vec2(level, 0.5)).rgb;
    // What is too small to be drawn true to size is drawn weaker.
    weight = strength * min(1.0, wanted * wanted / (drawn * drawn)) * (1.0 - 0.62 * fade);
    along = vec2(cos(value), -sin(value));  // gl_PointCoord points down
}}
"""

GRAIN = """
uniform float ink;
varying vec3 colour;
varying float weight;
void main() {
    vec2 p = 2.0 * gl_PointCoord - 1.0;
    float w = weight * max(0.0, 1.0 - dot(p, p));
    gl_FragColor = vec4(w * colour, w);
}
"""

COMET = """
uniform float ink;
varying vec3 colour;
varying float weight;
varying vec2 along;
void main() {
    vec2 p = 2.0 * gl_PointCoord - 1.0;
    float ahead = dot(p, along) - 0.35;  // the head leads, the tail fades behind it
    float aside = dot(p, vec2(-along.y, along.x));
    float reach = ahead > 0.0 ? 14.0 : 2.6;
    float w = weight * exp(-reach * ahead * ahead - 22.0 * aside * aside);
    if (w < 0.004) discard;
    gl_FragColor = vec4(w * colour, w);
}
"""

# Discs true to size: a matte ball, lit from above, with a soft edge and a darker rim that parts it
# from its neighbours. Cover is premultiplied.
DISC = """
uniform float ink;
uniform float diameter;  // pixels, for the width of the edge
uniform float share;     // of its cover, where it gives way to a point of light
uniform vec3 stage;
varying vec3 colour;
varying float weight;
void main() {
    vec2 p = 2.0 * gl_PointCoord - 1.0;
    float r2 = dot(p, p);
    float cover = clamp((1.0 - sqrt(r2)) * 0.5 * diameter + 0.5, 0.0, 1.0);
    if (cover <= 0.0) discard;
    float lit = 0.80 + 0.20 * sqrt(max(0.0, 1.0 - r2)) - 0.16 * p.y - 0.06 * r2;
    lit *= 1.0 - 0.32 * smoothstep(0.80, 1.0, r2) * clamp(diameter / 12.0, 0.0, 1.0);
    vec3 shade = mix(colour * lit, stage, ink * (1.0 - weight));
    cover *= share;
    gl_FragColor = vec4(shade * cover * mix(weight, 1.0, ink), cover);
}
"""

QUAD = """
attribute vec2 corner;
uniform vec4 region;  // left, bottom, width, height in the texture
varying vec2 uv;
varying vec2 here;
void main() {
    here = 0.5 * corner + 0.5;
    uv = region.xy + region.zw * here;
    gl_Position = vec4(corner, 0.0, 1.0);
}
"""

BLUR = """
uniform sampler2D source;
uniform vec2 stride;
varying vec2 uv;
varying vec2 here;
void main() {
    vec4 sum = vec4(0.0);
    float norm = 0.0;
    for (int k = -8; k <= 8; k++) {
        float w = exp(-float(k * k) / 24.0);
        sum += w * texture2D(source, uv + float(k) * stride);
        norm += w;
    }
    gl_FragColor = sum / norm;
}
"""

# Blended over what is there: on a dark stage as a screen (1, 1 − source), on paper as cover.
DEVELOP = """
uniform sampler2D light;
uniform sampler2D bloom;
uniform vec4 box;  // left, bottom, right, top, as shares of the view
uniform float exposure;
uniform float halo;
uniform float ink;
uniform float outside;
varying vec2 uv;
varying vec2 here;
void main() {
    vec2 away = max(max(box.xy - here, here - box.zw), 0.0);
    float inside = (away.x + away.y) > 0.0 ? outside : 1.0;
    vec4 sum = texture2D(light, uv);
    if (halo > 0.0) sum += halo * texture2D(bloom, uv);
    sum *= exposure * inside;
    if (ink > 0.5) {
        float cover = 1.0 - exp(-sum.a);
        gl_FragColor = vec4(sum.rgb / max(sum.a, 1e-4) * cover, cover);
    } else {
        gl_FragColor = vec4(1.0 - exp(-sum.rgb), 1.0);
    }
}
"""

# The same without bloom and images, for pictures of density: software draws each pixel of these.
SUMS = """
uniform sampler2D light;
uniform float exposure;
varying vec2 uv;
void main() {
    gl_FragColor = vec4(1.0 - exp(-exposure * texture2D(light, uv).rgb), 1.0);
}
"""

SUMS_INK = """
uniform sampler2D light;
uniform float exposure;
varying vec2 uv;
void main() {
    vec4 sum = texture2D(light, uv);
    float cover = 1.0 - exp(-exposure * sum.a);
    gl_FragColor = vec4(sum.rgb / max(sum.a, 1e-4) * cover, cover);
}
"""

# A picture of sums that was made for another camera moves with this one until the next comes.
PLACED = """
attribute vec2 corner;
uniform mat4 project;
varying vec2 uv;
void main() {
    uv = 0.5 * corner + 0.5;
    gl_Position = project * vec4(corner, 0.0, 1.0);
}
"""

GROUND = """
attribute vec2 corner;
uniform vec3 stage;
uniform vec3 stage_glow;
varying vec3 colour;
void main() {
    colour = mix(stage_glow, stage, smoothstep(0.0, 0.75, length(corner) * 0.675));
    gl_Position = vec4(corner, 0.0, 1.0);
}
"""

PLAIN = """
varying vec3 colour;
void main() { gl_FragColor = vec4(colour, 1.0); }
"""

# Lines of an even width in pixels. A line is four corners, an arrow seven: `part` says how far
# along (0 tail, 1 tip), how far aside, and whether the corner belongs to the head.
STROKE = """
attribute vec3 tail;
attribute vec3 tip;
attribute vec3 part;
attribute float value;
attribute vec2 ends;       // how much is left of its cover at the tail and at the tip
uniform mat4 project;
uniform vec2 pixels;
uniform float width;
uniform float head;       // length of an arrow's head in pixels; 0 for lines
uniform vec3 plain;
uniform float use_colours;
uniform float low;
uniform float per_span;
uniform float cyclic;
uniform sampler2D colours;
varying vec3 colour;
varying float aside;
varying float reach;
varying float left;
void main() {
    vec4 a = project * vec4(tail, 1.0);
    vec4 b = project * vec4(tip, 1.0);
    // What lies behind the eye is cut off a little before it.
    float near = 0.02 * max(max(a.w, b.w), 1e-6);
    if (a.w < near) a = mix(a, b, (near - a.w) / max(b.w - a.w, 1e-9));
    if (b.w < near) b = mix(b, a, (near - b.w) / max(a.w - b.w, 1e-9));
    vec2 from = a.xy / a.w * 0.5 * pixels;
    vec2 to = b.xy / b.w * 0.5 * pixels;
    float far = max(length(to - from), 1e-6);
    vec2 along = (to - from) / far;
    float barb = min(head, 0.55 * far);
    float half_width = 0.5 * width + 1.0;
    float out_by = part.z > 0.5 ? 0.46 * barb : half_width;
    float back = part.z > 0.5 ? (part.x > 0.5 ? 0.0 : barb) : 0.85 * barb;
    vec2 at = part.x > 0.5 || part.z > 0.5 ? to - along * back : from;
    at += vec2(-along.y, along.x) * part.y * out_by;
    vec4 end = part.x > 0.5 || part.z > 0.5 ? b : a;
    // Divided here, so that what varies across the line is not bent by perspective.
    gl_Position = vec4(at / (0.5 * pixels), end.z / end.w, 1.0);
    aside = part.z > 0.5 ? 0.0 : part.y * half_width;
    reach = 0.5 * width;
    left = part.x > 0.5 ? ends.y : ends.x;
    float level = clamp((value - low) * per_span, 0.001, 0.999);
    level = mix(level, fract(value * 0.15915494), cyclic);
    colour = mix(plain, texture2D(colours, vec2(level, 0.5)).rgb, use_colours);
}
"""

STROKE_EDGE = """
uniform float cover;
varying vec3 colour;
varying float aside;
varying float reach;
varying float left;
void main() {
    float w = left * cover * clamp(reach + 0.5 - abs(aside), 0.0, 1.0);
    gl_FragColor = vec4(w * colour, w);
}
"""

PICTURE = """
attribute vec3 place;
attribute vec2 texel;
uniform mat4 project;
varying vec2 uv;
void main() {
    uv = texel;
    gl_Position = project * vec4(place, 1.0);
}
"""

PICTURE_PLAIN = """
uniform sampler2D picture;
varying vec2 uv;
void main() { gl_FragColor = texture2D(picture, uv); }
"""

PICTURE_REPEATED = """
uniform sampler2D picture;
uniform float outside;  // strength of the periodic images
varying vec2 uv;
void main() {
    vec4 seen = texture2D(picture, fract(uv));
    vec2 away = abs(uv - 0.5);
    seen *= max(away.x, away.y) > 0.5 ? outside : 1.0;
    gl_FragColor = seen;
}
"""
