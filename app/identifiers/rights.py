"""The kinds of right that can be pledged, and the register each is recorded in."""

from enum import StrEnum

from app.core.messages import Text, say


class Register(StrEnum):
    """Who records a pledge: CNIPA for patents and for trademarks, the copyright centre."""

    PATENTS = "patents"
    TRADEMARKS = "trademarks"
    COPYRIGHTS = "copyrights"


class RightKind(StrEnum):
    INVENTION = "invention"  # 发明
    UTILITY_MODEL = "utility_model"  # 实用新型
    DESIGN = "design"  # 外观设计
    TRADEMARK = "trademark"  # 注册商标
    SOFTWARE_COPYRIGHT = "software_copyright"  # 计算机软件著作权
    WORK_COPYRIGHT = "work_copyright"  # 作品著作权


KIND_NAMES: dict[RightKind, Text] = {
    RightKind.INVENTION: say("invention"),
    RightKind.UTILITY_MODEL: say("utility model"),
    RightKind.DESIGN: say("design"),
    RightKind.TRADEMARK: say("trademark"),
    RightKind.SOFTWARE_COPYRIGHT: say("software copyright"),
    RightKind.WORK_COPYRIGHT: say("copyright of a work"),
}
"""What people call the kinds, in the sentences that name them."""

_REGISTERS = {
    RightKind.INVENTION: Register.PATENTS,
    RightKind.UTILITY_MODEL: Register.PATENTS,
    RightKind.DESIGN: Register.PATENTS,
    RightKind.TRADEMARK: Register.TRADEMARKS,
    RightKind.SOFTWARE_COPYRIGHT: Register.COPYRIGHTS,
    RightKind.WORK_COPYRIGHT: Register.COPYRIGHTS,
}


def register_of(kind: RightKind) -> Register:
    return _REGISTERS[kind]
