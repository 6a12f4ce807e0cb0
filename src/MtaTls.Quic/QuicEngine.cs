using Microsoft.Extensions.Logging;
using MtaTls.Quic.Ngtcp2;

namespace MtaTls.Quic;

/// <summary>Access to the QUIC implementation of this machine.</summary>
internal static class QuicEngine
{
    /// <summary>Whether the native libraries were found.</summary>
    public static bool IsSupported => LibNgtcp2.Instance is not null;

    /// <summary>The name and version of the library; null when it was not found.</summary>
    public static string? Version => LibNgtcp2.Instance is { } library ? $"ngtcp2 {library.Version} ({library.Abi.Library})" : null;

    /// <summary>Why QUIC does not work here, with the packages to install; null when it does.</summary>
    public static string? UnsupportedReason => LibNgtcp2.LoadError;

    /// <summary>Throws if QUIC is not supported.</summary>
    /// <exception cref="PlatformNotSupportedException">The libraries are missing; the message names the packages.</exception>
    public static void ThrowIfUnsupported()
    {
        if (UnsupportedReason is { } reason)
        {
            throw new PlatformNotSupportedException(reason);
        }
    }

    /// <summary>Creates an engine.</summary>
    /// <exception cref="PlatformNotSupportedException">The libraries are missing; the message names the packages.</exception>
    public static IQuicEngine Create(ILoggerFactory loggerFactory, TimeProvider? timeProvider = null)
    {
        ThrowIfUnsupported();
        return new Ngtcp2Engine(LibNgtcp2.Instance!, loggerFactory, timeProvider ?? TimeProvider.System);
    }
}
