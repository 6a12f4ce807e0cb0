namespace MtaTls.Tls;

/// <summary>The TLS extension types that can be used for <c>data_multiplexing</c>. The draft does not define its code point (section 4).</summary>
internal static class ExtensionTypes
{
    /// <summary>0xFF6D, from TLS's private-use range.</summary>
    public const ushort Default = 65389;

    // Types that a version of OpenSSL 3 handles itself. OpenSSL does not allow to replace them.
    private static ReadOnlySpan<ushort> Reserved =>
        [0, 1, 5, 10, 11, 12, 13, 14, 16, 18, 19, 20, 21, 22, 23, 27, 35, 41, 42, 43, 44, 45, 47, 49, 50, 51, 57, 13172, 65281];

    public static ushort Validated(ushort value)
        => Reserved.Contains(value)
            ? throw new ArgumentOutOfRangeException(nameof(value), value, "TLS itself uses this extension type, so it cannot be the type of data_multiplexing. Choose another one, for example 65389.")
            : value;
}
