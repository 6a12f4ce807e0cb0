using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Cluster;

/// <summary>Announces this concentrator's sessions, and finds the error for a join of a session that it does not have. Thread-safe.</summary>
internal sealed class SessionLocator(ITunnelSessionDirectory directory, TunnelClusterOptions options, TimeProvider time, ILogger log)
{
    private readonly LogRate _failures = new(time);
    private int _lookups;

    public void Add(SessionId id, string? identity) => directory.Add(HashOf(id.Value), HashOf(identity));

    public void Remove(SessionId id) => directory.Remove(HashOf(id.Value));

    /// <summary>
    /// Returns the error for a join, and the concentrator that has the session: CONFLICTING_STATE with another one, UNKNOWN_SESSION_ID if none has it or it belongs to another identity, and UNKNOWN_ERROR if the
    /// lookup failed.
    /// </summary>
    public async Task<(QuicTunnelError Error, TunnelSessionOwner? Owner)> FindAsync(ReadOnlyMemory<byte> sessionId, string? identity, bool mustBeIdentity)
    {
        try
        {
            if (Interlocked.Increment(ref _lookups) > options.MaxLookups)
            {
                Failed($"too many lookups run at the same time (QuicTunnel:Cluster:MaxLookups is {options.MaxLookups}).");
                return (QuicTunnelError.Unknown, null);
            }

            using var timeout = new CancellationTokenSource(options.LookupTimeout, time);
            TunnelSessionOwner? owner = await directory.FindAsync(HashOf(sessionId.Span), timeout.Token).AsTask().WaitAsync(timeout.Token);
            return owner is not null && owner.Node != options.NodeName && (!mustBeIdentity || owner.Identity == HashOf(identity))
                ? (QuicTunnelError.ConflictingState, owner)
                : (QuicTunnelError.UnknownSessionId, null);
        }
        catch (OperationCanceledException)
        {
            Failed($"the directory has not answered within LookupTimeout ({options.LookupTimeout}).");
            return (QuicTunnelError.Unknown, null);
        }
        catch (Exception exception)
        {
            Failed(exception.Message);
            return (QuicTunnelError.Unknown, null);
        }
        finally
        {
            Interlocked.Decrement(ref _lookups);
        }
    }

    /// <summary>The hash of an identity as bytes; empty for a client without one.</summary>
    public static byte[] HashBytes(string? identity) => identity is null ? [] : SHA256.HashData(Encoding.UTF8.GetBytes(identity));

    private void Failed(string reason)
    {
        if (_failures.TryTake())
        {
            log.LookupFailed(reason);
        }
    }

    private static string? HashOf(string? identity) => identity is null ? null : HashOf(Encoding.UTF8.GetBytes(identity));

    private static string HashOf(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        return Convert.ToHexStringLower(hash);
    }
}
