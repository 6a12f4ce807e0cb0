using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>
/// Tells the concentrator which addresses the client uses, and requests addresses if the options say so. It reports an address of another client as an error, because the concentrator drops packets from
/// such an address silently.
/// </summary>
internal sealed class AddressAgreement : IDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_seldom = TimeSpan.FromMinutes(5);

    // After this many attempts without an answer, the concentrator does not know address messages.
    private const int Attempts = 20;

    private readonly IPacketInterface _interface;
    private readonly ILogger _log;
    private readonly bool _wants;
    private readonly Lock _lock = new();
    private readonly ITimer _timer;
    private AddressEntry[] _used; // guarded by _lock
    private ClientSession? _session; // guarded by _lock
    private int _attempts; // guarded by _lock
    private volatile string? _problem;
    private volatile string[] _addresses;

    public AddressAgreement(QuicTunnelClientOptions options, IPacketInterface packetInterface, TimeProvider timeProvider, ILogger log)
    {
        (_interface, _log, _wants) = (packetInterface, log, options.RequestAddresses);
        _addresses = [.. options.Interface.Addresses];
        _used = [.. _addresses.Take(AddressMessage.MaxEntries).Select(EntryOf)];
        _timer = timeProvider.CreateTimer(static state => ((AddressAgreement)state!).Ask(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Why the concentrator drops the client's packets, or why the client has no addresses; null if there is no known problem.</summary>
    public string? Problem => _problem;

    /// <summary>The client's addresses with their prefix lengths.</summary>
    public IReadOnlyList<string> Addresses => _addresses;

    /// <summary>Starts to agree on the addresses of a new session.</summary>
    public void Begin(ClientSession session)
    {
        lock (_lock)
        {
            if (_used.Length == 0 && !_wants)
            {
                return;
            }

            (_session, _attempts) = (session, 0);
        }

        session.OnAnswer = OnAnswer;
        _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void Ask()
    {
        lock (_lock)
        {
            if (_session is not { } session)
            {
                return;
            }

            if (_attempts++ == Attempts)
            {
                if (_wants && _addresses.Length == 0)
                {
                    _problem = "The concentrator does not answer the request for addresses.";
                    _log.NoAddresses();
                }

                return;
            }

            Span<byte> message = stackalloc byte[AddressMessage.MaxLength];
            message = message[..AddressMessage.Write(message, AddressMessage.Request, _wants ? AddressMessage.Wants : (byte)0, _used)];
            session.SendMessage(message);
            _timer.Change(s_retry, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnAnswer(ClientSession session, AddressEntry[] entries)
    {
        lock (_lock)
        {
            if (_session != session || _attempts > Attempts)
            {
                return;
            }

            string[] refused = [.. entries.Where(static entry => entry.Status is AddressStatus.Taken or AddressStatus.Refused).Select(Describe)];
            string? problem = refused.Length == 0 ? null : $"The concentrator drops packets from {string.Join(", ", refused)}.";
            if (problem is not null && problem != _problem)
            {
                _log.AddressClash(string.Join(", ", refused));
            }
            else if (problem is null && _problem is not null)
            {
                _log.AddressesAgreed(string.Join(", ", _addresses));
            }

            // Ask again later: an address of another client may become free, and an own address may be revoked.
            _problem = problem;
            _attempts = 0;
            _timer.Change(problem is null ? s_seldom : s_again, Timeout.InfiniteTimeSpan);
            if (_wants)
            {
                Use([.. entries.Where(static entry => entry.Status == AddressStatus.Own)]);
            }
        }
    }

    private void Use(AddressEntry[] given)
    {
        string[] addresses = [.. given.Select(static entry => $"{IpHeader.ToAddress(entry.Address)}/{entry.PrefixLength}")];
        if (addresses.Length == 0)
        {
            _problem ??= "The concentrator has no free address for this client.";
            return;
        }

        if (addresses.Order().SequenceEqual(_addresses.Order()))
        {
            return;
        }

        _addresses = addresses;
        _used = given;
        // Not on the connection's loop, because setting addresses on the host takes time.
        _ = Task.Run(() => Set(addresses));
    }

    private void Set(string[] addresses)
    {
        try
        {
            _interface.SetAddresses(addresses);
            _log.AddressesAgreed(string.Join(", ", addresses));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _problem = exception.Message;
            _log.AddressesNotSet(exception.Message);
        }
    }

    private static AddressEntry EntryOf(string prefix)
    {
        _ = Prefixes.TryParse(prefix, out IPNetwork network, out IPAddress address);
        return new AddressEntry(AddressStatus.Used, (byte)network.PrefixLength, IpHeader.ToUInt128(address));
    }

    private static string Describe(AddressEntry entry) =>
        $"{IpHeader.ToAddress(entry.Address)} ({(entry.Status == AddressStatus.Taken ? "it belongs to another session" : "this client may not use it")})";
}
