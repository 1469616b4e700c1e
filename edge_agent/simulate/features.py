"""Draws what a face's expression shows in: folds and wrinkles, eyes, brows, nose and mouth."""

from __future__ import annotations

import numpy as np

from edge_agent.simulate.pen import Canvas, Colour, Mask, Pen, Points, curve, line, paint, scaled
from edge_agent.simulate.person import Person
from edge_agent.simulate.pose import FacePose

_EYES_Y, _NOSE_Y = -0.115, 0.1  # middles of the eyes and of the tip of the nose in a face at rest
_DARK: Colour = (18.0, 16.0, 26.0)
_TEETH: Colour = (205.0, 215.0, 222.0)
_GLINT: Colour = (235.0, 235.0, 235.0)
_FRAMES: Colour = (40.0, 36.0, 34.0)
_SIDES = (-1.0, 1.0)
_ACROSS = np.linspace(0, 1, 11)  # from the inner to the outer corner of an eye
_BROW = np.linspace(0, 1, 9)  # from the inner to the outer end of a brow
_MOUTH = np.linspace(-1, 1, 17)  # from one corner of the mouth to the other


class _Relief:
    """Light and shadow as factors of a colour: broad ones that fade softly, and fine ones such as wrinkles."""

    _LEVEL = 128  # a factor of one

    def __init__(self, pen: Pen) -> None:
        self.pen, self.broad, self.fine = pen, pen.blank(self._LEVEL), pen.blank(self._LEVEL)

    def spot(self, x: float, y: float, half_x: float, half_y: float, by: float) -> None:
        """An elliptic area brighter, or with a negative number darker, by so many of 128 levels."""
        self.pen.ellipse(self.broad, (x, y), (half_x, half_y), round(self._LEVEL + by))

    def ridge(self, points: Points, thickness: float, by: float) -> None:
        """A broad line, likewise."""
        self.pen.stroke(self.broad, points, thickness, round(self._LEVEL + by), self._LEVEL)

    def crease(self, points: Points, darkness: float) -> None:
        """A fine dark line, darker by so many levels."""
        self.pen.stroke(self.fine, points, 0.012, round(self._LEVEL - darkness), self._LEVEL)

    def factors(self) -> Canvas:
        """``float32 (H, W)``, 1 where nothing changes."""
        product = self.pen.blur(self.broad, 0.022).astype(np.float32) * self.pen.blur(self.fine, 0.006)
        return np.asarray(product / self._LEVEL**2, np.float32)


def relief(pen: Pen, who: Person, pose: FacePose) -> Canvas:
    """Light and shadow of a face without its features, ``float32 (H, W)`` factors of the skin's colour."""
    eyes, mouth = _EYES_Y + pose.shift, pose.mouth_y + pose.shift
    nose = _NOSE_Y + pose.shift - pose.nose_up
    under_lip = mouth + max(pose.gap_low, 0.0) + pose.lip_low
    shade = _Relief(pen)
    for side in _SIDES:
        x = side * who.eye_gap
        shade.spot(x, eyes - 0.035, 0.1, 0.055, -36)
        shade.spot(x, (eyes + pose.brow_y) / 2 - 0.03, 0.1, 0.03, -10)
        shade.ridge(line((side * 0.05, eyes - 0.03), (side * 0.06, nose - 0.02)), 0.035, -24)
        shade.spot(side * 0.23, 0.06 + pose.shift - 0.02 * pose.cheek, 0.1, 0.07, 4 + 16 * pose.cheek)
        fold = curve(
            (side * 0.075 * who.nose_width, nose - 0.02),
            (side * (0.065 + 0.5 * (pose.mouth_width + pose.fold_wide)), (nose + mouth) / 2 - 0.02),
            (side * (pose.mouth_width + pose.fold_wide), mouth + 0.02),
        )
        shade.ridge(fold, 0.04, -44 * pose.fold)
        shade.crease(fold, 70 * pose.fold)
        bag = curve((x - side * 0.07, eyes + 0.035), (x, eyes + 0.052), (x + side * 0.08, eyes + 0.03))
        shade.ridge(bag, 0.03, -30 * pose.bag)
        shade.crease(bag, 60 * pose.bag)
        shade.crease(line((side * 0.03, pose.brow_y - 0.03), (side * 0.024, pose.brow_y + 0.055)), 80 * pose.frown)
        shade.ridge(line((side * 0.03, eyes - 0.02), (side * 0.05, eyes + 0.06)), 0.03, -30 * pose.wrinkle)
        for y in (eyes + 0.01, eyes + 0.038, eyes + 0.066):
            shade.crease(line((side * 0.015, y), (side * 0.055, y - 0.022)), 75 * pose.wrinkle)
    shade.ridge(line((0.0, eyes - 0.02), (0.0, nose - 0.03)), 0.045, 22)
    shade.spot(0.0, nose - 0.02, 0.04 * who.nose_width, 0.035, 28)
    shade.spot(0.0, nose + 0.035, 0.06 * who.nose_width, 0.018, -40)
    shade.spot(0.0, under_lip + 0.035, 0.075, 0.02, -30 - 22 * pose.chin)
    shade.spot(0.0, under_lip + 0.1, 0.07, 0.035, 10 + 14 * pose.chin)
    shade.spot(0.0, -0.33, 0.2, 0.08, 10)
    for y in (-0.39, -0.35, -0.31):
        wave = line((-0.22, y + 0.012), (-0.12, y - 0.004), (0.0, y + 0.006), (0.12, y - 0.004), (0.22, y + 0.012))
        shade.crease(wave, 55 * pose.forehead)
    return shade.factors()


def draw_features(pen: Pen, face: Canvas, who: Person, pose: FacePose, blink: float) -> None:
    """Draw eyes, brows, nostrils, mouth and, for who wears them, glasses."""
    for side in _SIDES:
        _draw_eye(pen, face, who, pose, side, blink)
        _draw_brow(pen, face, who, pose, side)
    _draw_nostrils(pen, face, who, pose)
    _draw_mouth(pen, face, who, pose)
    if who.glasses:
        _draw_glasses(pen, face, who, pose)


def _draw_eye(pen: Pen, face: Canvas, who: Person, pose: FacePose, side: float, blink: float) -> None:
    """Eyeball between the lids, lashes, and the fold above."""
    x, y = side * who.eye_gap, _EYES_Y + pose.shift
    across = x + side * pose.eye_width * (2 * _ACROSS - 1)
    corners = y + pose.eye_tilt * (2 * _ACROSS - 1)
    droop = 1 - 0.6 * pose.eye_droop * np.clip(2 * _ACROSS - 0.6, 0, 1)
    rise = pose.eye_open * (1 - 1.25 * blink) * np.sin(np.pi * _ACROSS**0.9) * droop
    upper = np.stack([across, corners - rise], 1)
    lower = np.stack([across, corners + pose.eye_low * np.sin(np.pi * _ACROSS)], 1)
    if blink < 0.8:
        opening = pen.fill(pen.blank(), np.concatenate([upper, lower[::-1]]))
        paint(face, opening, scaled((who.skin[2],) * 3, 0.74, 40.0))
        middle = (x, y - 0.35 * (pose.eye_open - pose.eye_low) + pose.gaze)
        for radius, colour in ((pose.iris, who.iris), (0.5 * pose.iris, _DARK)):
            paint(face, np.minimum(pen.ellipse(pen.blank(), middle, (radius, radius)), opening), colour)
        glint = pen.ellipse(pen.blank(), (x + 0.35 * pose.iris, middle[1] - 0.4 * pose.iris), (0.007, 0.007))
        paint(face, np.minimum(glint, opening), _GLINT)
        shadow = pen.stroke(pen.blank(), _moved(upper, 0.006), 0.014)
        paint(face, np.minimum(shadow, opening), _DARK, 0.45)
    paint(face, pen.stroke(pen.blank(), upper, 0.014), _DARK, 0.85)
    rims = pen.stroke(pen.blank(), lower, 0.007)
    pen.stroke(rims, _moved(upper[1:-1], -0.024), 0.009, round(255 * pose.crease))
    paint(face, rims, scaled(who.skin, 0.42), 0.75)


def _moved(points: Points, down: float) -> Points:
    return np.add(points, (0.0, down))


def _draw_brow(pen: Pen, face: Canvas, who: Person, pose: FacePose, side: float) -> None:
    """A brow, thick inside and thin outside."""
    x = side * (pose.brow_inner + (0.315 - pose.brow_inner) * _BROW)
    y = pose.brow_y + pose.brow_tilt * (_BROW - 0.5) - pose.brow_arch * np.sin(np.pi * _BROW**1.2) + 0.012 * _BROW
    half = 0.019 * pose.brow_weight * who.brows * (1 - 0.62 * _BROW**1.5)
    outline = np.concatenate([np.stack([x, y - half], 1), np.stack([x, y + half], 1)[::-1]])
    paint(face, pen.blur(pen.fill(pen.blank(), outline), 0.006), scaled(who.hair, 0.8), 0.88)


def _draw_nostrils(pen: Pen, face: Canvas, who: Person, pose: FacePose) -> None:
    """Nostrils and the wings of the nose."""
    y, holes, wings = _NOSE_Y + 0.015 + pose.shift - pose.nose_up, pen.blank(), pen.blank()
    for side in _SIDES:
        x = side * who.nose_width
        pen.ellipse(holes, (0.036 * x, y), (0.02, 0.0095 + 0.25 * pose.nose_up))
        pen.stroke(wings, curve((0.066 * x, y - 0.05), (0.088 * x, y - 0.012), (0.06 * x, y + 0.008)), 0.012)
    paint(face, holes, scaled(who.skin, 0.22), 0.9)
    paint(face, wings, scaled(who.skin, 0.4), 0.5 + 0.3 * pose.wrinkle)


def _lip_edge(pose: FacePose, middle: float, width: float) -> Points:
    """A curve from one mouth corner to the other that passes ``middle`` under the middle of the mouth."""
    y = pose.corner + (middle - pose.corner) * (1 - np.abs(_MOUTH) ** pose.square)
    return np.stack([_MOUTH * width, y + pose.mouth_y + pose.shift], 1)


def _draw_mouth(pen: Pen, face: Canvas, who: Person, pose: FacePose) -> None:
    """Lips, and between them the dark of the mouth and the teeth."""
    up, low, width = -pose.gap_up, max(pose.gap_low, -pose.gap_up), pose.mouth_width
    upper_in, lower_in = _lip_edge(pose, up, width), _lip_edge(pose, low, width)
    upper_out = _lip_edge(pose, up - pose.lip_up * who.lips, width * 1.03)
    upper_out[:, 1] += 0.007 * np.exp(-((upper_out[:, 0] / 0.018) ** 2))
    lower_out = _lip_edge(pose, low + pose.lip_low * who.lips, width)
    blue, green, red = who.skin
    upper_lip = pen.fill(pen.blank(), np.concatenate([upper_out, lower_in[::-1]]))
    paint(face, upper_lip, (0.5 * blue, 0.46 * green, 0.66 * red), 0.85)
    lower_lip = pen.fill(pen.blank(), np.concatenate([upper_in, lower_out[::-1]]))
    paint(face, lower_lip, (0.62 * blue, 0.57 * green, 0.82 * red), 0.7)
    if low - up > 0.004:
        opening = pen.fill(pen.blank(), np.concatenate([upper_in, lower_in[::-1]]))
        paint(face, opening, _DARK)
        _draw_teeth(pen, face, pose, opening, up, low)
    seam = pen.stroke(pen.blank(), upper_in, 0.011)
    for side in _SIDES:
        pen.ellipse(seam, (side * width, pose.mouth_y + pose.shift + pose.corner), (0.012, 0.01))
    paint(face, seam, scaled(who.skin, 0.25), 0.85)


def _draw_teeth(pen: Pen, face: Canvas, pose: FacePose, opening: Mask, up: float, low: float) -> None:
    """The rows of teeth as far as the lips leave them free."""
    for share, near, far in ((pose.teeth_up, up, low), (pose.teeth_low, low, up)):
        if share > 0.02:
            width = 0.95 * pose.mouth_width
            gums, edge = _lip_edge(pose, near, width), _lip_edge(pose, near + share * (far - near), width)
            row = pen.fill(pen.blank(), np.concatenate([gums, edge[::-1]]))
            paint(face, np.minimum(row, opening), _TEETH, 0.9)


def _draw_glasses(pen: Pen, face: Canvas, who: Person, pose: FacePose) -> None:
    """Thin frames."""
    mask, y = pen.blank(), _EYES_Y + 0.015 + pose.shift
    turn = np.linspace(0, 2 * np.pi, 25)
    for side in _SIDES:
        x = side * (who.eye_gap + 0.005)
        pen.stroke(mask, np.stack([x + 0.125 * np.cos(turn), y + 0.09 * np.sin(turn)], 1), 0.012)
        pen.stroke(mask, line((x + side * 0.125, y - 0.02), (side * 0.44, y - 0.04)), 0.012)
    pen.stroke(mask, curve((-who.eye_gap + 0.12, y - 0.02), (0.0, y - 0.04), (who.eye_gap - 0.12, y - 0.02)), 0.012)
    paint(face, mask, _FRAMES, 0.75)
