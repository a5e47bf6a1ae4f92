"""Options as a domain or a user sees them; domains.py and users.py have the operations (6.40 to 6.42)."""

import msgspec


class OptionDef(msgspec.Struct, frozen=True, kw_only=True):
    """OptionDef: what an option is. `values` are those that a LIST accepts; `restricted` ones are for system administrators."""

    name: str | None = None
    type: str | None = None
    group: str | None = None
    description: str | None = None
    values: list[str] | None = None
    restricted: bool | None = None
    ptfScope: bool | None = None
    urlScope: bool | None = None
    customerScope: bool | None = None
    domainScope: bool | None = None
    userScope: bool | None = None


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """Option: `value` is set here, None when inherited; `parentValue` is what applies then. Both are texts."""

    option: OptionDef | None = None
    value: str | None = None
    parentValue: str | None = None
