namespace MtaTls.Benchmarks.Work;

/// <summary>A web page with 100 objects, most of them small, 2.2 MB in total.</summary>
internal static class Page
{
    private static readonly int[] s_sizes = [1_000, 2_500, 5_000, 8_000, 12_000, 16_000, 24_000, 32_000, 40_000, 80_000];

    public static readonly int[] ObjectSizes = [.. Enumerable.Range(0, 100).Select(index => s_sizes[index * 7 % s_sizes.Length])];
}
