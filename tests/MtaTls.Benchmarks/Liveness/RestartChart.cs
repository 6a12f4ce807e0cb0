using System.Globalization;
using System.Text;

namespace MtaTls.Benchmarks.Liveness;

/// <summary>A chart of requests per second and errors over time, with the states of the servers below it.</summary>
internal static class RestartChart
{
    private const int Width = 760;
    private const int Left = 60;
    private const int Right = 16;
    private const int Top = 44;
    private const int Height = 200;

    public static string Draw(RestartResult result)
    {
        double sample = RestartRun.SampleLength.TotalSeconds, seconds = result.Samples.Count * sample;
        double most = Nice(result.Samples.Max(static s => s.Answered) / sample);
        var body = new StringBuilder();
        foreach (double part in new[] { 0, 0.25, 0.5, 0.75, 1 })
        {
            body.Append(Invariant($"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(part):0.0}\" y2=\"{Y(part):0.0}\" class=\"g\"/><text x=\"{Left - 6}\" y=\"{Y(part) + 4:0.0}\" text-anchor=\"end\">{most * part:0}</text>\n"));
        }

        int lane = Top + Height + 34;
        for (int i = 0; i < result.Stops.Count; i++)
        {
            (double stopping, double gone, double up) = result.Stops[i];
            body.Append(Invariant($"<rect x=\"{X(stopping):0.0}\" width=\"{X(gone) - X(stopping):0.0}\" y=\"{Top}\" height=\"{Height}\" class=\"d\"/><rect x=\"{X(gone):0.0}\" width=\"{X(up) - X(gone):0.0}\" y=\"{Top}\" height=\"{Height}\" class=\"n\"/>\n"));
            body.Append(Invariant($"<text x=\"{Left - 6}\" y=\"{lane + 10 + (i * 20)}\" text-anchor=\"end\">server {(char)('a' + i)}</text>"));
            foreach ((double from, double to, string style) in new[] { (0, stopping, "u"), (stopping, gone, "dd"), (up, seconds, "u") })
            {
                body.Append(Invariant($"<rect x=\"{X(from):0.0}\" width=\"{Math.Max(0, X(to) - X(from)):0.0}\" y=\"{lane + (i * 20)}\" height=\"12\" class=\"{style}\"/>"));
            }

            body.Append('\n');
        }

        body.Append("<polyline class=\"l\" points=\"");
        for (int i = 0; i < result.Samples.Count; i++)
        {
            body.Append(Invariant($"{X((i + 0.5) * sample):0.0},{Y(result.Samples[i].Answered / sample / most):0.0} "));
        }

        body.Append("\"/>\n");
        for (int i = 0; i < result.Samples.Count; i++)
        {
            if (result.Samples[i].Failed > 0)
            {
                double x = X((i + 0.5) * sample);
                body.Append(Invariant($"<line x1=\"{x:0.0}\" x2=\"{x:0.0}\" y1=\"{Y(0):0.0}\" y2=\"{Y(result.Samples[i].Failed / sample / most) - 3:0.0}\" class=\"e\"/>\n"));
            }
        }

        for (int second = 0; second <= seconds; second += 5)
        {
            body.Append(Invariant($"<text x=\"{X(second):0.0}\" y=\"{Y(0) + 16:0.0}\" text-anchor=\"middle\">{second} s</text>"));
        }

        int height = lane + (result.Stops.Count * 20) + 10;
        return Invariant($"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" viewBox="0 0 {Width} {height}" font-family="sans-serif" font-size="11">
            <style>.g {"{"}stroke:#ddd{"}"} .l {"{"}fill:none;stroke:#2166ac;stroke-width:1.5{"}"} .e {"{"}stroke:#b2182b;stroke-width:3{"}"} .d {"{"}fill:#fddbc7;opacity:.6{"}"} .n {"{"}fill:#eee{"}"} .u {"{"}fill:#92c5de{"}"} .dd {"{"}fill:#fddbc7{"}"}</style>
            <rect width="100%" height="100%" fill="#fff"/>
            <text x="8" y="18" font-size="13">Rolling restart behind HAProxy: POST requests per second (errors in red)</text>
            <text x="8" y="34">{result.Requests} requests, {result.Failed} failed, {result.Repeated} executed more than once. Blue: serves; orange: told its clients and serves on, then drains; grey: away</text>
            {body}</svg>

            """);

        double X(double second) => Left + ((Width - Left - Right) * second / seconds);

        static double Y(double part) => Top + (Height * (1 - part));
    }

    /// <summary>Returns the next higher round number.</summary>
    private static double Nice(double value)
    {
        double decade = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(1, value))));
        return new[] { 1, 2, 4, 6, 8, 10 }.Select(step => step * decade).First(top => top >= value);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
