namespace MtaTls.Tls.OpenSsl;

internal static class NativeLibraries
{
    public static string? Failure => null;

    public static string? Version => null;
}
