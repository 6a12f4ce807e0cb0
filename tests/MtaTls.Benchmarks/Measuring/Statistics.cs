namespace MtaTls.Benchmarks.Measuring;

internal static class Statistics
{
    /// <summary>Returns the value below which <paramref name="fraction"/> of the values lie (nearest rank); NaN without values.</summary>
    public static double Percentile(IEnumerable<double> values, double fraction)
    {
        double[] sorted = values.Where(value => !double.IsNaN(value)).Order().ToArray();
        if (sorted.Length == 0)
        {
            return double.NaN;
        }

        return sorted[Math.Clamp((int)Math.Ceiling(fraction * sorted.Length) - 1, 0, sorted.Length - 1)];
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = values.Where(value => !double.IsNaN(value)).Order().ToArray();
        if (sorted.Length == 0)
        {
            return double.NaN;
        }

        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Returns half the distance between the quartiles as a fraction of the median, which shows how noisy the rounds were.</summary>
    public static double Spread(IReadOnlyCollection<double> values)
    {
        double median = Median(values);
        return values.Count < 2 || median == 0 ? 0 : (Percentile(values, 0.75) - Percentile(values, 0.25)) / 2 / median;
    }
}
