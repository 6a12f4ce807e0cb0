using System.Globalization;
using System.Net;
using System.Text;

namespace MtaTls.Stress.Reporting;

/// <summary>A plot over time, with one panel for each value and the curves of server and client in it.</summary>
internal static class Plot
{
    private const int Width = 760, PanelHeight = 110, Left = 60, Right = 20, Gap = 34, Top = 40;

    public static string Draw(string title, double[] minutes, Panel[] panels)
    {
        StringBuilder body = new();
        int y = Top;
        double end = Math.Max(minutes[^1], 0.01);
        foreach (Panel panel in panels)
        {
            double top = Ceiling(Math.Max(panel.Values.Server.Max(), panel.Values.Client.Max()));
            body.Append(Invariant($"<text x=\"{Left}\" y=\"{y - 5}\" class=\"t\">{WebUtility.HtmlEncode(panel.Title)}</text>\n"));
            foreach (double part in (double[])[0, 0.5, 1])
            {
                double at = y + PanelHeight * (1 - part);
                body.Append(Invariant($"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{at:0.0}\" y2=\"{at:0.0}\" class=\"g\"/><text x=\"{Left - 6}\" y=\"{at + 4:0.0}\" text-anchor=\"end\">{top * part:0.##}</text>\n"));
            }

            foreach ((double[] values, string style) in new[] { (panel.Values.Server, "s"), (panel.Values.Client, "c") })
            {
                body.Append(Invariant($"<polyline class=\"{style}\" points=\""));
                for (int i = 0; i < values.Length; i++)
                {
                    body.Append(Invariant($"{Left + (Width - Left - Right) * minutes[i] / end:0.0},{y + PanelHeight * (1 - values[i] / top):0.0} "));
                }

                body.Append("\"/>\n");
            }

            y += PanelHeight + Gap;
        }

        body.Append(Invariant($"<text x=\"{Left}\" y=\"{y - Gap + 16}\">0</text><text x=\"{Width - Right}\" y=\"{y - Gap + 16}\" text-anchor=\"end\">{end:0.#} min</text>\n"));
        return Invariant($"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{y}" viewBox="0 0 {Width} {y}" font-family="sans-serif" font-size="11">
            <style>.t {"{"}font-weight:bold{"}"} .g {"{"}stroke:#ddd{"}"} polyline {"{"}fill:none;stroke-width:1.3{"}"} .s {"{"}stroke:#2166ac{"}"} .c {"{"}stroke:#d6604d{"}"}</style>
            <rect width="100%" height="100%" fill="#fff"/>
            <text x="8" y="17" font-size="13">{WebUtility.HtmlEncode(title)}; <tspan fill="#2166ac">server</tspan>, <tspan fill="#d6604d">client</tspan></text>
            {body}</svg>

            """);
    }

    /// <summary>Returns the next higher 1, 2 or 5 of the same order of magnitude.</summary>
    private static double Ceiling(double value)
    {
        if (value <= 0)
        {
            return 1;
        }

        double order = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return order * new[] { 1, 2, 5, 10 }.First(step => value <= step * order);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    internal sealed record Panel(string Title, (double[] Server, double[] Client) Values);
}
