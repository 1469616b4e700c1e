"""The signs in English."""

from edge_agent.notice.words.catalogue import Words

ENGLISH = Words(
    language="en",
    seconds=("second", "seconds"),
    minutes=("minute", "minutes"),
    hours=("hour", "hours"),
    days=("day", "days"),
    bases={"consent": "consent", "public_task": "public task", "medical": "medical reasons", "safety": "safety"},
    title="A camera in this room estimates facial expressions by computer",
    sample="Sample: these settings name a simulation or a recording, not a live camera.",
    what="This is an emotion recognition system: artificial intelligence (AI) estimates which expressions faces seem "
    "to show, such as happy, sad or surprised. It cannot know what somebody feels.",
    no_picture="No picture is stored or sent. The system does not recognise who somebody is.",
    level_summary="Only figures about the whole group leave the device, every {window}, and only with at least "
    "{min_group} people in view.",
    level_summary_one="Only figures about the people in view leave the device, every {window}. This also holds where "
    "only one person is in view.",
    level_faces="For each face, the device sends the expression that it seems to show and when it changes, under a "
    "random number and without a name. It also sends figures about the group every {window}.",
    boxes="It also sends where in the picture the face was.",
    watched="Only a part of the view is analysed: {names}.",
    ignored="A part of the view is left out: {names}.",
    unnamed_zone="ask the person named below",
    led="The light beside the camera is on while the camera is open.",
    wrong="The result is often wrong, about one time in three. Nobody is graded, punished or judged by it.",
    kept="The device keeps what it has sent for {kept}.",
    kept_memory="The device keeps what it has sent for {kept}, at most until it is switched off.",
    kept_not="The device does not keep what it has sent.",
    rights="You may ask what is stored, object to it, and ask for its erasure.",
    law="This sign informs you as Article 50(3) of Regulation (EU) 2024/1689 (AI Act) requires.",
    purpose="What for",
    basis="Legal basis",
    recipients="Who sees the results",
    kept_elsewhere="Kept at the school for",
    closed="The camera is closed",
    controller="Responsible",
    contact="Questions and objections",
    officer="Data protection officer",
    authority="Complaints also to",
    made="Made on {date} for {device}",
    room="room {room}",
    child_title="There is a camera in this room",
    child_what="A computer looks at faces. It guesses: does this face look happy, sad or surprised?",
    child_no_picture="It takes no photos. It does not know your name.",
    child_summary="It only tells how all of you look together. It tells nothing about you alone.",
    child_summary_one="It tells how the people here look. If you are alone in here, it tells it about you.",
    child_faces="It tells for each face how it looks. It does not tell whose face it is.",
    child_wrong="The computer is often wrong. You get no marks for it, and no trouble.",
    child_led="When the little light is on, the camera is on.",
    child_ask="Do you have a question? Do you not want this? Talk to {contact}.",
)
