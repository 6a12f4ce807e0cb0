namespace MtaTls.Tls;

/// <summary>Which TLS extension types may stand for <c>data_multiplexing</c>, whose code point the draft leaves open.</summary>
internal static class ExtensionTypes
{
    /// <summary>0xFF6D, from TLS's private-use range.</summary>
    public const ushort Default = 65389;

    // Those that some OpenSSL 3 handles itself: it refuses to have them replaced.
    private static ReadOnlySpan<ushort> Reserved =>
        [0, 1, 5, 10, 11, 12, 13, 14, 16, 18, 19, 20, 21, 22, 23, 27, 35, 41, 42, 43, 44, 45, 47, 49, 50, 51, 57, 13172, 65281];

    public static ushort Validated(ushort value)
        => Reserved.Contains(value)
            ? throw new ArgumentOutOfRangeException(nameof(value), value, "TLS itself uses this extension type, so it cannot be the type of data_multiplexing.")
            : value;
}
