using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MtaTls.Tls.OpenSsl;

/// <summary>OpenSSL's error queue of the calling thread.</summary>
internal static unsafe class OpenSslErrors
{
    /// <summary>Empties the queue and joins the texts of its errors; null when it was empty.</summary>
    public static string? TakeReasons()
    {
        string? reasons = null;
        for (nuint error; (error = LibSsl.ERR_get_error()) != 0;)
        {
            string reason = Marshal.PtrToStringUTF8((nint)LibSsl.ERR_reason_error_string(error)) ?? $"error 0x{(ulong)error:x}";
            reasons = reasons is null ? reason : $"{reasons}; {reason}";
        }

        return reasons;
    }

    public static void ThrowIf(bool failed, string what)
    {
        if (failed)
        {
            throw new CryptographicException($"{what} failed: {TakeReasons() ?? "no reason given"}.");
        }
    }
}
