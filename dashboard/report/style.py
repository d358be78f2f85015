"""How a report looks: on a screen in light and dark, on a phone, and on paper."""

# The ends of the house's diverging scale, see `.streamlit/config.toml`, in four steps to either side; each with the ink
# that reads on it at 4.5 : 1 or better. Words are signed too: nobody has to tell the colours apart.
_LIGHT = {
    "a4": ("#0c4277", "#ffffff"),
    "a3": ("#2a6aa6", "#ffffff"),
    "a2": ("#79add5", "#10161d"),
    "a1": ("#cfe0ef", "#10161d"),
    "f1": ("#f8e3cb", "#10161d"),
    "f2": ("#f3cfa6", "#10161d"),
    "f3": ("#e59a52", "#10161d"),
    "f4": ("#a8560b", "#ffffff"),
}
_DARK = {
    "a4": ("#95c1e6", "#10161d"),
    "a3": ("#5c9bd0", "#0b0f14"),
    "a2": ("#2a6aa6", "#ffffff"),
    "a1": ("#1c4a72", "#ffffff"),
    "f1": ("#6b4318", "#ffffff"),
    "f2": ("#9a5d18", "#ffffff"),
    "f3": ("#dd8f3d", "#10161d"),
    "f4": ("#f7c892", "#10161d"),
}
_DARK_PAGE = """
  --paper:#11161d; --ink:#e4e9ef; --soft:#a9b5c2; --line:#384352; --panel:#1a212b; --link:#95c1e6;
  --red:#ffb4ab; --red-panel:#3b1512; --amber:#f2c98a; --amber-panel:#33260f; --for:#f2a154; --against:#6ba6d6;
"""


def _steps(colours: dict[str, tuple[str, str]]) -> str:
    return "".join(f".{name}{{background:{ground};color:{ink}}}" for name, (ground, ink) in colours.items())


def style() -> str:
    """Return the style sheet."""
    return f"""
:root {{
  color-scheme:light dark;
  --paper:#ffffff; --ink:#1c2530; --soft:#4d5966; --line:#cfd7df; --panel:#f3f6f9; --link:#195a94;
  --red:#8c1108; --red-panel:#fdecea; --amber:#6b4a00; --amber-panel:#fdf4e0; --for:#b4530a; --against:#195a94;
}}
*{{box-sizing:border-box}}
html{{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}}
body{{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.6
  "Source Sans 3","Noto Sans","Helvetica Neue",Arial,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}}
main,header,footer{{max-width:60rem;margin:0 auto;padding:0 1.2rem}}
header{{padding-top:1.6rem}}
h1,h2,h3,h4{{line-height:1.25;overflow-wrap:anywhere}}
h1{{font-size:1.7rem;margin:.4rem 0}} h2{{font-size:1.35rem;margin:2.6rem 0 .6rem;padding-top:.8rem;
  border-top:1px solid var(--line)}}
h3{{font-size:1.12rem;margin:1.6rem 0 .4rem}} h4{{font-size:1rem;margin:1.1rem 0 .3rem}}
p,ul,ol,dl{{margin:.5rem 0}} p,li,dd,figcaption{{overflow-wrap:anywhere}} td,tbody th{{overflow-wrap:anywhere}}
p,li,figcaption{{max-width:46rem}}
a{{color:var(--link)}}
small,.soft,figcaption{{color:var(--soft)}} small,figcaption{{font-size:.875rem}}
code{{font:.85rem/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}}
data{{font-variant-numeric:tabular-nums}}
.notice{{border:2px solid currentColor;border-radius:6px;padding:.8rem 1rem;margin:1rem 0}}
.notice p{{margin:.25rem 0}} .notice strong:first-child{{font-size:1.1rem}}
.red{{color:var(--red);background:var(--red-panel)}} .amber{{color:var(--amber);background:var(--amber-panel)}}
.tiles{{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;padding:0;margin:1rem 0}}
.tiles div{{background:var(--panel);border-radius:6px;padding:.6rem .8rem;display:flex;flex-direction:column}}
.tiles dt{{font-size:.875rem;color:var(--soft)}} .tiles dd{{margin:0;font-size:1.35rem;font-weight:600}}
.tiles dd small{{display:block;font-weight:400;font-size:.8125rem}}
dl:not(.tiles) div{{display:grid;grid-template-columns:minmax(9rem,15rem) 1fr;gap:.2rem 1rem;padding:.2rem 0;
  border-bottom:1px solid var(--line)}}
dt{{color:var(--soft)}} dd{{margin:0;min-width:0}}
nav ol{{columns:2;column-gap:2rem;padding-left:1.3rem}} nav li{{break-inside:avoid}}
.scroll{{overflow-x:auto;margin:.8rem 0}}
table{{border-collapse:collapse;font-size:.9375rem;min-width:min(100%,26rem)}}
caption{{text-align:left;color:var(--soft);font-size:.875rem;padding-bottom:.3rem}}
th,td{{text-align:left;vertical-align:top;padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--line);
  font-weight:400}}
thead th{{font-weight:600;vertical-align:bottom}} .number{{text-align:right;font-variant-numeric:tabular-nums}}
td.number,th.number{{white-space:nowrap}} td:not(.number),tbody th{{min-width:6rem}}
.fixed{{table-layout:fixed;width:100%;min-width:46rem}} .fixed td,.fixed th{{min-width:0}}
.fixed thead th{{hyphens:auto}}
.case{{border-top:1px solid var(--line);padding-top:.2rem;margin-top:1.6rem}}
.badge{{display:inline-block;border:1px solid currentColor;border-radius:4px;padding:0 .45em;font-size:.8125rem;
  font-weight:600;line-height:1.5;vertical-align:.1em}}
.words{{line-height:2.15;font-size:1.03rem;max-width:none;white-space:pre-wrap}}
.w{{padding:.14em .24em;border-radius:3px;-webkit-box-decoration-break:clone;box-decoration-break:clone}}
.w::after{{font-weight:700;margin-left:.1em}} .plus::after{{content:"+"}} .minus::after{{content:"−"}}
{_steps(_LIGHT)}
.unread{{color:var(--soft);font-style:italic}}
.legend span{{margin-right:.5rem}}
.bar{{display:block;height:.7rem;border-radius:2px;min-width:1px}} .bar.for{{background:var(--for)}}
.bar.against{{background:var(--against)}} td.bars{{width:9rem}}
figure{{margin:1rem 0}} svg{{max-width:100%;height:auto;display:block}}
svg text{{fill:var(--ink);font-size:12px}} .axis{{stroke:var(--soft)}} .even{{stroke:var(--soft);stroke-dasharray:4 4}}
.range{{stroke:var(--against);stroke-width:2}} .dot{{fill:var(--against)}}
:focus-visible{{outline:2px solid var(--link);outline-offset:2px}}
footer{{color:var(--soft);font-size:.875rem;padding-top:2rem;padding-bottom:3rem}}
@media screen and (prefers-color-scheme:dark){{:root{{{_DARK_PAGE}}}{_steps(_DARK)}}}
@media (max-width:34rem){{nav ol{{columns:1}} dl:not(.tiles) div{{grid-template-columns:1fr}}}}
@page{{size:A4;margin:18mm 16mm 20mm;
  @bottom-right{{content:counter(page) " / " counter(pages);font:9pt sans-serif;color:#4d5966}}}}
@media print{{
  :root{{color-scheme:light}}
  body{{font-size:10pt;font-variant-ligatures:none}} main,header,footer{{max-width:none;padding:0}}
  *{{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
  .scroll{{overflow:visible}} table{{min-width:0;max-width:100%}} thead{{display:table-header-group}}
  h1,h2,h3,h4,caption,.legend{{break-after:avoid}}
  tr,.notice,figure,.tiles div,dl:not(.tiles) div,li{{break-inside:avoid}}
  p,li,dd,td,th{{orphans:3;widows:3}} .case{{break-before:auto}}
  a{{color:inherit;text-decoration:none}} a[href^="http"]::after{{content:" (" attr(href) ")";font-size:.8em}}
  td.number,th.number{{white-space:normal;overflow-wrap:normal}} .fixed{{font-size:8.5pt;min-width:0}}
}}
"""
