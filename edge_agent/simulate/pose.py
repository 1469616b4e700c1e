"""How a drawn face looks for an expression: a few dozen measures, one set of them for each of FER2013's labels.

Lengths are shares of the face square's side, x to the right, y down, origin in the middle of the square. Measures that
have a left and a right count outwards from the middle. The sets follow the facial action units (Ekman and Friesen 1978)
that make up each expression, named beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class FacePose:
    """The measures of a face that move. The defaults are a face at rest.

    Attributes:
        brow_y: Height of the middle of the brows.
        brow_tilt: How much lower the outer end lies than the inner one; negative pulls the inner ends down.
        brow_arch: Height of the arch over the line between the ends.
        brow_inner: Distance of the inner ends from the middle of the face.
        brow_weight: Thickness, 1 at rest.
        eye_width: Half the width of an eye.
        eye_open: Height of the upper lid's curve above the corners.
        eye_low: Depth of the lower lid's curve under the corners.
        eye_tilt: How much lower the outer corner lies than the inner one.
        eye_droop: How far the upper lid sinks towards the outer corner, 0 to 1.
        iris: Radius of the iris.
        gaze: How far the iris is lowered.
        crease: Darkness of the fold above the upper lid, 0 to 1.
        bag: Darkness of the fold under the lower lid, 0 to 1.
        mouth_y: Height of the middle of the mouth.
        mouth_width: Half its width.
        corner: How much lower the corners lie than the middle; negative is a smile.
        gap_up: How far the upper lip's inner edge is above the middle of the mouth.
        gap_low: How far the lower lip's inner edge is under it.
        square: Exponent of the lips' curves: 2 is round, more is square.
        lip_up: Thickness of the upper lip.
        lip_low: Thickness of the lower lip.
        teeth_up: Share of the opening that upper teeth fill, 0 to 1.
        teeth_low: Share of the opening that lower teeth fill, 0 to 1.
        fold: Darkness of the folds from nose to mouth corners, 0 to 1.
        fold_wide: How far outside the mouth corners the folds end.
        nose_up: How far the tip of the nose is lifted.
        wrinkle: Darkness of the wrinkles across the bridge of the nose, 0 to 1.
        frown: Darkness of the upright lines between the brows, 0 to 1.
        forehead: Darkness of the lines across the forehead, 0 to 1.
        cheek: How far the cheeks bulge, 0 to 1.
        chin: How far the chin bulges upwards, 0 to 1.
        jaw: How far the chin is dropped.
        shift: How far eyes, nose and mouth sink in the face, as when the head is bowed.
    """

    brow_y: float = -0.215
    brow_tilt: float = 0.01
    brow_arch: float = 0.028
    brow_inner: float = 0.085
    brow_weight: float = 1.0
    eye_width: float = 0.075
    eye_open: float = 0.026
    eye_low: float = 0.014
    eye_tilt: float = -0.004
    eye_droop: float = 0.1
    iris: float = 0.028
    gaze: float = 0.0
    crease: float = 0.4
    bag: float = 0.25
    mouth_y: float = 0.262
    mouth_width: float = 0.135
    corner: float = 0.0
    gap_up: float = 0.0
    gap_low: float = 0.0
    square: float = 2.0
    lip_up: float = 0.026
    lip_low: float = 0.036
    teeth_up: float = 0.0
    teeth_low: float = 0.0
    fold: float = 0.2
    fold_wide: float = 0.03
    nose_up: float = 0.0
    wrinkle: float = 0.0
    frown: float = 0.0
    forehead: float = 0.0
    cheek: float = 0.2
    chin: float = 0.1
    jaw: float = 0.0
    shift: float = 0.0

    def towards(self, other: FacePose, share: float) -> FacePose:
        """The pose on the way to another: 0 is this one, 1 the other."""
        return FacePose(
            **{
                field.name: getattr(self, field.name) * (1 - share) + getattr(other, field.name) * share
                for field in fields(FacePose)
            }
        )


NEUTRAL = FacePose()

POSES: dict[str, FacePose] = {
    # AU4 brows down and together, AU5 glare, AU7 lids tight, AU23 lips tightened
    "angry": FacePose(
        brow_y=-0.151,
        brow_tilt=-0.081,
        brow_arch=0.008,
        brow_inner=0.054,
        brow_weight=1.21,
        eye_width=0.073,
        eye_open=0.037,
        eye_low=0.009,
        eye_tilt=-0.016,
        eye_droop=0.07,
        iris=0.0291,
        crease=0.75,
        bag=0.55,
        mouth_y=0.256,
        mouth_width=0.096,
        corner=0.014,
        gap_up=0.014,
        gap_low=-0.003,
        square=2.76,
        lip_up=0.015,
        lip_low=0.02,
        teeth_up=0.07,
        teeth_low=0.19,
        fold=0.13,
        fold_wide=0.011,
        wrinkle=0.36,
        frown=0.89,
        cheek=0.26,
        chin=0.18,
    ),
    # AU9 nose wrinkled, AU10 upper lip raised, AU15 mouth corners down
    "disgust": FacePose(
        brow_y=-0.196,
        brow_tilt=-0.003,
        brow_arch=-0.004,
        brow_inner=0.046,
        brow_weight=1.22,
        eye_width=0.082,
        eye_open=0.009,
        eye_low=0.009,
        eye_tilt=-0.008,
        eye_droop=0.36,
        iris=0.0334,
        crease=0.74,
        bag=0.2,
        mouth_y=0.289,
        mouth_width=0.127,
        corner=0.055,
        gap_up=0.008,
        gap_low=0.023,
        square=1.87,
        lip_up=0.029,
        lip_low=0.032,
        teeth_up=0.76,
        teeth_low=0.04,
        fold=0.9,
        fold_wide=0.047,
        nose_up=0.014,
        wrinkle=0.7,
        frown=0.34,
        cheek=0.84,
        jaw=0.028,
        shift=0.005,
    ),
    # AU1+2+4 brows raised and together, AU5 eyes wide, AU20 lips stretched, AU26 jaw dropped
    "fear": FacePose(
        brow_y=-0.241,
        brow_tilt=0.073,
        brow_arch=-0.008,
        brow_inner=0.063,
        brow_weight=0.97,
        eye_width=0.071,
        eye_open=0.056,
        eye_low=0.028,
        eye_tilt=0.003,
        eye_droop=0.09,
        iris=0.024,
        crease=0.17,
        bag=0.73,
        mouth_y=0.256,
        mouth_width=0.154,
        corner=0.025,
        gap_up=0.03,
        gap_low=0.077,
        square=2.44,
        lip_up=0.022,
        lip_low=0.034,
        teeth_up=0.03,
        teeth_low=0.33,
        fold=0.27,
        fold_wide=0.034,
        frown=0.64,
        forehead=0.72,
        cheek=0.22,
        chin=0.14,
        jaw=0.04,
        shift=-0.005,
    ),
    # AU6 cheeks raised, AU12 mouth corners up
    "happy": FacePose(
        brow_y=-0.22,
        brow_arch=0.034,
        eye_open=0.02,
        eye_low=0.004,
        eye_droop=0.3,
        bag=0.8,
        mouth_y=0.265,
        mouth_width=0.19,
        corner=-0.055,
        gap_up=-0.005,
        gap_low=0.055,
        lip_up=0.018,
        lip_low=0.028,
        teeth_up=0.75,
        fold=0.8,
        fold_wide=0.045,
        cheek=1.0,
    ),
    # AU1 inner brows up, AU4, AU15 mouth corners down, lids drooping
    "sad": FacePose(
        brow_y=-0.192,
        brow_tilt=0.095,
        brow_arch=-0.001,
        brow_inner=0.061,
        brow_weight=0.88,
        eye_width=0.08,
        eye_open=0.011,
        eye_tilt=0.005,
        eye_droop=0.71,
        iris=0.0302,
        gaze=0.005,
        crease=0.82,
        bag=0.28,
        mouth_y=0.272,
        mouth_width=0.194,
        corner=0.046,
        gap_up=0.004,
        gap_low=0.007,
        square=1.98,
        lip_up=0.019,
        lip_low=0.038,
        fold=0.14,
        fold_wide=0.014,
        frown=0.55,
        forehead=0.39,
        cheek=0.19,
        chin=0.85,
        jaw=0.006,
        shift=0.013,
    ),
    # AU1+2 brows raised, AU5 eyes wide, AU26 jaw dropped
    "surprise": FacePose(
        brow_y=-0.275,
        brow_arch=0.045,
        brow_inner=0.09,
        eye_open=0.052,
        eye_low=0.03,
        eye_droop=0.0,
        crease=0.2,
        bag=0.1,
        mouth_y=0.28,
        mouth_width=0.09,
        gap_up=0.045,
        gap_low=0.085,
        lip_up=0.024,
        lip_low=0.03,
        teeth_up=0.12,
        fold=0.15,
        forehead=0.8,
        jaw=0.06,
    ),
    "neutral": NEUTRAL,
}
"""The full expression by FER2013 label.

Happy, surprise and neutral were drawn by eye. The other four were searched at random, within bounds that keep their
action units, for what networks trained on FER2013 read most surely: these faces show that a model works, not how well.
"""


def pose_of(expression: str, intensity: float) -> FacePose:
    """The pose of an expression at an intensity from 0 (at rest) to 1 (full).

    Raises:
        KeyError: The expression is none of FER2013's labels.
    """
    return NEUTRAL.towards(POSES[expression], intensity)
