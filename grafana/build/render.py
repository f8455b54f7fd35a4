"""Tile -> Grafana panel, in the SDK's models.

In: a `Tile`, its id and its place. Out: a panel. Stats and bars ask for the present moment only (instant queries), so
that a value from twenty minutes ago cannot stand in for data that is missing now. Their first threshold, which Grafana
also uses for "no data", has the tile's `missing` colour and is never green.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grafana.build.colours import overrides_of
from grafana.build.queries import Query
from grafana.build.sdk import bargauge, common, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana.build.tiles import GREEN, Column, Kind, Tile

__all__ = ["DATASOURCE", "draw"]

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
"""What every panel and every variable asks: the data source chosen at the top of the board."""

_PLUGINS: dict[Kind, str] = {
    "stat": "stat",
    "bars": "bargauge",
    "series": "timeseries",
    "states": "state-timeline",
    "table": "table",
}
_NEWEST = common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields="")
_OF_THE_MOMENT: frozenset[Kind] = frozenset({"stat", "bars", "table"})
_WIDE = 12
"""From this width on there is room for a legend beside the plot."""

_AT_LEAST = {
    "cps": 1.0,
    "reqps": 1.0,
    "cpm": 6.0,
    "short": 1.0,
    "percentunit": 0.1,
    "s": 0.1,
    "binBps": 1024.0,
    "none": 1.0,
}
"""How far up an axis reaches at least, by unit: what is next to nothing shall look like it."""

_PAUSES = {"m": {10: "15s", 15: "30s"}, "h": {1: "1m"}}
"""How far apart the points of a long window are at least: they hardly differ, and each costs its whole window."""


def draw(tile: Tile, note: str, number: int, place: dashboard.GridPos, lines: str = "") -> dashboard.Panel:
    """Return the panel of a tile: `note` and the metrics' help as its description, `number` as its id.

    Args:
        lines: page of the console that shows the lines behind it; none if empty.
    """
    return dashboard.Panel(
        id_val=number,
        type_val=_PLUGINS[tile.kind],
        title=tile.title,
        description="\n\n".join((note, *tile.helps)),
        datasource=DATASOURCE,
        grid_pos=place,
        links=list(_links(tile, lines)) or None,
        targets=[_target(query, chr(ord("A") + index), tile.kind) for index, query in enumerate(tile.queries)],
        options=_options(tile),
        field_config=dashboard.FieldConfigSource(defaults=_defaults(tile), overrides=_overrides(tile)),
        transformations=_transformations(tile),
        interval=_interval(tile),
    )


def _target(query: Query, reference: str, kind: Kind) -> prometheus.Dataquery:
    is_instant = kind in _OF_THE_MOMENT
    shape = prometheus.PromQueryFormat.TABLE if kind == "table" else prometheus.PromQueryFormat.TIME_SERIES
    return prometheus.Dataquery(
        datasource=DATASOURCE,
        ref_id=reference,
        expr=query.expr,
        legend_format=query.legend or "__auto",
        instant=is_instant,
        range_val=not is_instant,
        format_val=shape,
        editor_mode=prometheus.QueryEditorMode.CODE,
    )


def _links(tile: Tile, lines: str) -> Iterator[dashboard.DashboardLink]:
    if tile.more:
        url = f"/d/{tile.more}?${{__url_time_range}}&${{__all_variables}}"
        yield dashboard.DashboardLink(title="Details", type_val=dashboard.DashboardLinkType.LINK, url=url)
    if tile.runbook:
        url = f"${{runbooks:raw}}/{tile.runbook}"
        yield dashboard.DashboardLink(title="Runbook", type_val=dashboard.DashboardLinkType.LINK, url=url)
    if lines:
        yield dashboard.DashboardLink(
            title="Lines in the console", type_val=dashboard.DashboardLinkType.LINK, url=f"${{console:raw}}{lines}"
        )


def _defaults(tile: Tile) -> dashboard.FieldConfig:
    modes = dashboard.FieldColorModeId
    return dashboard.FieldConfig(
        unit=tile.unit,
        display_name=_display_name(tile),
        decimals=0.0 if tile.kind in ("stat", "bars") and tile.unit == "short" else None,
        min_val=0.0 if tile.kind in ("series", "bars") else None,
        no_value=tile.no_data,
        mappings=_mappings(tile),
        thresholds=_thresholds(tile),
        color=dashboard.FieldColor(mode=modes.PALETTE_CLASSIC if tile.kind == "series" else modes.THRESHOLDS),
        custom=_custom(tile),
    )


def _display_name(tile: Tile) -> str | None:
    """Return what names a bar: Grafana leaves the name of a bar that is alone away, unless it is given one."""
    labels = re.findall(r"\{\{(\w+)\}\}", tile.queries[0].legend)
    return f"${{__field.labels.{labels[-1]}}}" if tile.kind == "bars" and labels else None


def _overrides(tile: Tile) -> list[dashboard.DashboardFieldConfigSourceOverrides]:
    if tile.kind == "series":
        return overrides_of(tile.queries)
    return [*(_column(column) for column in tile.columns), *(_band(text, color) for text, color in tile.bands.items())]


def _band(text: str, color: str) -> dashboard.DashboardFieldConfigSourceOverrides:
    """Return the colour of a band of a state timeline while it is in the state it is named after."""
    options = {"0": {"text": "no", "color": "transparent", "index": 0}, "1": {"text": text, "color": color, "index": 1}}
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byRegexp", options=f"/ {text}$/"),
        properties=[dashboard.DynamicConfigValue(id_val="mappings", value=[{"type": "value", "options": options}])],
    )


def _column(column: Column) -> dashboard.DashboardFieldConfigSourceOverrides:
    """Return how the cells of a column look and where they lead."""
    values: dict[str, object] = {"custom.width": column.width} if column.width else {}
    if column.colors:
        texts = {text: {"color": color, "index": place} for place, (text, color) in enumerate(column.colors.items())}
        values["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
        values["mappings"] = [{"type": "value", "options": texts}]
    if column.url:
        values["links"] = [{"title": "Runbook", "url": column.url, "targetBlank": True}]
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byName", options=column.title),
        properties=[dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in values.items()],
    )


def _interval(tile: Tile) -> str | None:
    """Return the least distance of points for lines of a long window; none for others."""
    windows = [
        (int(number), unit) for query in tile.queries for number, unit in re.findall(r"\[(\d+)([mh])\]", query.expr)
    ]
    pauses = [_PAUSES[unit][number] for number, unit in windows if number in _PAUSES[unit]]
    return max(pauses, default=None) if tile.kind == "series" else None


def _thresholds(tile: Tile) -> dashboard.ThresholdsConfig:
    """Return the steps; the base step colours no data, except in a series, where no data draws nothing."""
    base = GREEN if tile.kind == "series" else tile.missing
    levels = [(edge, color) for edge, color in tile.levels if tile.kind != "series" or edge > 0]
    levels = sorted((*levels, *((float(number), state.color) for number, state in (tile.states or {}).items())))
    steps = [dashboard.Threshold(value=None, color=base)]
    steps += [dashboard.Threshold(value=edge, color=color) for edge, color in levels]
    return dashboard.ThresholdsConfig(mode=dashboard.ThresholdsMode.ABSOLUTE, steps=steps)


def _mappings(tile: Tile) -> list[dashboard.ValueMapping]:
    """Return the words of values, and for stats the word and colour of no data."""
    result = dashboard.ValueMappingResult
    words = {
        f"{number:g}": result(text=state.text, color=state.color, index=index)
        for index, (number, state) in enumerate((tile.states or {}).items())
    }
    mappings: list[dashboard.ValueMapping] = [dashboard.ValueMap(options=words)] if words else []
    if tile.kind == "stat":
        nothing = result(text=tile.no_data, color=tile.missing, index=len(words))
        match = dashboard.SpecialValueMatch.NULL_AND_NAN
        mappings.append(
            dashboard.SpecialValueMap(options=dashboard.DashboardSpecialValueMapOptions(match=match, result=nothing))
        )
    return mappings


def _options(tile: Tile) -> object:
    legend = _legend(*(("last", "max") if tile.kind == "series" else ("",)), is_beside=tile.width >= _WIDE)
    tooltip = common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)
    match tile.kind:
        case "stat":
            return stat.Options(
                graph_mode=common.BigValueGraphMode.NONE,
                color_mode=common.BigValueColorMode.BACKGROUND,
                reduce_options=_NEWEST,
            )
        case "bars":
            place = common.BarGaugeNamePlacement
            return bargauge.Options(
                display_mode=common.BarGaugeDisplayMode.BASIC,
                orientation=common.VizOrientation.HORIZONTAL,
                reduce_options=_NEWEST,
                legend=_legend(),
                name_placement=place.LEFT
                if tile.width >= _WIDE
                else place.TOP,  # beside a bar there is little room for it
            )
        case "states":
            never = common.VisibilityMode.NEVER
            return statetimeline.Options(show_value=never, merge_values=True, legend=legend, tooltip=tooltip)
        case "table":
            by = [common.TableSortByFieldState(display_name=tile.sorted_by, desc=False)] if tile.sorted_by else None
            return table.Options(cell_height=common.TableCellHeight.SM, sort_by=by)
        case "series":
            return timeseries.Options(legend=legend, tooltip=tooltip)


def _legend(*calcs: str, is_beside: bool = False) -> common.VizLegendOptions:
    return common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.TABLE if len(calcs) > 1 else common.LegendDisplayMode.LIST,
        placement=common.LegendPlacement.RIGHT if is_beside else common.LegendPlacement.BOTTOM,
        show_legend=bool(calcs),
        calcs=[calc for calc in calcs if calc],
    )


def _custom(tile: Tile) -> object | None:
    if tile.kind == "states":
        return statetimeline.FieldConfig(line_width=0, fill_opacity=80, span_nulls=False)
    if tile.kind == "table":
        return common.TableFieldOptions()
    if tile.kind != "series":
        return None
    lines = common.GraphThresholdsStyleMode.DASHED if tile.levels else common.GraphThresholdsStyleMode.OFF
    stacking = common.StackingMode.NORMAL if tile.is_stacked else common.StackingMode.NONE
    return common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_width=1.0,
        fill_opacity=25.0 if tile.is_stacked else 8.0,
        show_points=common.VisibilityMode.AUTO,
        span_nulls=False,
        axis_soft_max=max((edge * 1.25 for edge, _ in tile.levels), default=_AT_LEAST.get(tile.unit)),
        stacking=common.StackingConfig(mode=stacking, group="A"),
        thresholds_style=common.GraphThresholdsStyleConfig(mode=lines),
    )


def _transformations(tile: Tile) -> list[dashboard.DataTransformerConfig] | None:
    """Order and name the columns of a table; hide when it was asked, and the 1 of an info metric."""
    if tile.kind != "table":
        return None
    titles = {column.label: column.title for column in tile.columns}
    hidden = {"Time": True} | ({} if "Value" in titles else {"Value": True})
    places = {label: place for place, label in enumerate(titles)}
    options = {"excludeByName": hidden, "indexByName": places, "renameByName": titles}
    return [dashboard.DataTransformerConfig(id_val="organize", options=options)]
