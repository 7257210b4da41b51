namespace ContainerIR.Reports;

/// <summary>The look of the report: nothing is loaded from anywhere, and it prints on A4 or Letter.</summary>
internal static class HtmlStyle
{
    public const string Css = """
        :root{--ink:#1c2733;--soft:#5b6876;--line:#dfe5ea;--wash:#f5f7f9;--blue:#2b5c82;--amber:#8a4217;--amberwash:#fdf3ec;--green:#2f6f4f;--greenwash:#eef6f1}
        *{box-sizing:border-box}
        html{font-size:15px}
        body{margin:0;color:var(--ink);background:#fff;font-family:"Inter","Source Sans 3","Segoe UI","Noto Sans","DejaVu Sans",system-ui,sans-serif;line-height:1.55}
        main,header.top,footer{max-width:64rem;margin:0 auto;padding:0 2rem}
        header.top{padding-top:3.2rem;padding-bottom:1.2rem}
        .kicker{color:var(--blue);font-size:.82rem;letter-spacing:.08em;text-transform:uppercase;font-weight:600;margin:0}
        h1{font-size:2.3rem;line-height:1.2;margin:.3rem 0 .6rem;font-weight:650;letter-spacing:-.015em}
        h2{font-size:1.35rem;margin:3rem 0 .6rem;padding-bottom:.35rem;border-bottom:2px solid var(--line);font-weight:620}
        h3{font-size:1.02rem;margin:1.6rem 0 .4rem;font-weight:620}
        p{margin:.5rem 0 .9rem;max-width:46rem}
        .lead{font-size:1.1rem;line-height:1.6}
        .note,.small{color:var(--soft);font-size:.87rem}td .small{font-family:inherit;font-size:.8rem}
        bdi{overflow-wrap:anywhere}
        code,.mono{font-family:"JetBrains Mono","Cascadia Mono","DejaVu Sans Mono","Liberation Mono",monospace;font-size:.82em;overflow-wrap:anywhere}
        pre{background:var(--wash);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;font-size:.82rem;white-space:pre-wrap;overflow-wrap:anywhere}
        .tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:.8rem;margin:1.2rem 0 1.6rem}
        .tile{border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem}
        .tile b{display:block;font-size:1.55rem;line-height:1.2;font-weight:620;font-variant-numeric:tabular-nums}
        .tile span{color:var(--soft);font-size:.87rem}
        .tile.good{background:var(--greenwash);border-color:#cfe5d8}.tile.good b{color:var(--green)}
        .tile.care{background:var(--amberwash);border-color:#efd5c2}.tile.care b{color:var(--amber)}
        nav{columns:2;column-gap:2rem;font-size:.95rem;margin:.5rem 0 0}nav a{display:block;color:var(--blue);text-decoration:none;padding:.12rem 0}
        table{border-collapse:collapse;width:100%;font-size:.87rem;margin:.5rem 0 1.2rem;table-layout:fixed}
        th{text-align:left;color:var(--soft);font-weight:600;font-size:.76rem;letter-spacing:.03em;border-bottom:1.5px solid var(--line);padding:.35rem .6rem .35rem 0}
        td{border-bottom:1px solid var(--line);padding:.38rem .6rem .38rem 0;vertical-align:top;overflow-wrap:anywhere}
        .digest{font-family:"JetBrains Mono","Cascadia Mono","DejaVu Sans Mono","Liberation Mono",monospace;font-size:.62rem;color:var(--soft);overflow-wrap:anywhere}
        td.digest{color:var(--ink);padding-top:.5rem}
        td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;padding-right:1.3rem}
        .badge{display:inline-block;border-radius:99px;padding:.02rem .55rem;font-size:.76rem;background:var(--wash);color:var(--soft);border:1px solid var(--line);margin:0 .25rem .1rem 0}
        .badge.good{background:var(--greenwash);color:var(--green);border-color:#cfe5d8}
        .badge.blue{background:#eef4f9;color:var(--blue);border-color:#cbdce9}
        .badge.care{background:var(--amberwash);color:var(--amber);border-color:#efd5c2}
        .tree td:first-child{padding-left:calc(var(--d)*1.1rem)}
        .wide{overflow-x:auto}
        .own td{background:var(--wash)}
        .gap td{background:var(--amberwash)}
        svg{width:100%;height:auto;display:block;margin:.8rem 0;font-family:inherit}
        svg .name{font-size:13.5px;font-weight:600}svg .under{font-size:11px}svg .lane{font-size:12.5px;font-weight:600;fill:#1c2733}
        svg .edge{font-size:10.5px;fill:#44515e;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
        .bars{display:flex;height:14px;border-radius:7px;overflow:hidden;margin:.8rem 0;background:var(--wash)}
        details>summary{cursor:pointer;color:var(--blue);font-size:.92rem;margin:.4rem 0}
        dl{display:grid;grid-template-columns:11rem 1fr;margin:.4rem 0 1rem;font-size:.9rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
        footer{margin-top:3rem;padding-top:1rem;padding-bottom:3rem;color:var(--soft);font-size:.82rem;border-top:1px solid var(--line)}
        @media screen and (max-width:46rem){main,header.top,footer{padding-left:1.1rem;padding-right:1.1rem}.wide table{min-width:44rem}.tiles{grid-template-columns:repeat(2,1fr)}nav{columns:1}dl{grid-template-columns:1fr}}
        @page{size:A4;margin:17mm 15mm 19mm;@bottom-right{content:counter(page) " / " counter(pages);font:8pt sans-serif;color:#5b6876}}
        @media print{.wide{overflow:visible}html{font-size:11.5px}main,header.top,footer{padding:0;max-width:none}header.top{padding-top:0}h2,h2+.note{break-after:avoid}h2{margin-top:2rem}h3,summary{break-after:avoid}
        tr,.tile,svg,dl>*{break-inside:avoid}thead{display:table-header-group}nav a{color:var(--ink)}.tile,.badge,.gap td,rect,.bars *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
        """;
}
