using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using MtaTls.Client;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>The permanent session with one other gateway. While there is none, the gateway is suspect.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The source has no timer, so it needs no disposal, and its token may be used at any time.")]
internal sealed class PeerLink : IAsyncDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private readonly ClusterPlan _plan;
    private readonly ClusterMetrics _metrics;
    private readonly Func<MtaTlsClientOptions> _options;
    private readonly Action _changed;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _attempted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _running;
    private volatile MtaTlsClient? _client;
    private volatile bool _isSuspect;
    private bool _isReached;
    private int _disposed;

    /// <param name="node">The other gateway.</param>
    /// <param name="plan">The settings of <c>MtaTls:Cluster</c>.</param>
    /// <param name="options">Makes the options of the client that connects to it.</param>
    /// <param name="metrics">The cluster's metrics.</param>
    /// <param name="changed">Called when the gateway has become suspect, or is no longer suspect.</param>
    public PeerLink(MtaTlsNode node, ClusterPlan plan, Func<MtaTlsClientOptions> options, ClusterMetrics metrics, Action changed)
    {
        Node = node;
        _plan = plan;
        _options = options;
        _metrics = metrics;
        _changed = changed;
        _logger = plan.Loggers.CreateLogger(ClusterLog.Category);
        _running = Task.Run(RunAsync);
    }

    public MtaTlsNode Node { get; }

    /// <summary>Whether the gateway can't be reached.</summary>
    public bool IsSuspect => _isSuspect;

    /// <summary>Opens a channel.</summary>
    /// <exception cref="AgentUnavailableException">No channel was opened.</exception>
    public async ValueTask<MtaTlsAgentChannel> OpenAsync(AgentMember member, ChannelAddress destination, ChannelAddress source, CancellationToken cancellationToken)
    {
        // Callers wait for the first attempt to connect, but not while the gateway is suspect.
        await _attempted.Task.WaitAsync(cancellationToken);
        if (_client is not { } client || _isSuspect)
        {
            throw new AgentUnavailableException($"Gateway {Node.Name}, which has agent {member.Agent} ({member.Id}), can't be reached.");
        }

        try
        {
            return new MtaTlsAgentChannel(await client.OpenChannelAsync(destination, source, cancellationToken));
        }
        catch (MtaTlsChannelRefusedException e)
        {
            throw new AgentUnavailableException($"Gateway {Node.Name} has not opened a channel to agent {member.Agent} ({member.Id}): {e.Reason}", e) { Data = { ["reason"] = e.Reason } };
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or ObjectDisposedException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new AgentUnavailableException($"Gateway {Node.Name} has not opened a channel to agent {member.Agent} ({member.Id}): {e.Message}", e);
        }
    }

    /// <summary>Ends the session when its last channel has closed. Called when the gateway has left the directory or has another address.</summary>
    public async Task RetireAsync()
    {
        while (!_stopping.IsCancellationRequested && !_isSuspect && _client is { } client && client.GetSessions().Any(static s => s.Channels > 0))
        {
            await Task.Delay(s_look, _plan.Time, CancellationToken.None);
        }

        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_client is { } client)
        {
            await client.DisposeAsync();
        }

        if (_isReached)
        {
            _isReached = false;
            _metrics.Reached(-1);
        }

        _attempted.TrySetResult();
    }

    private async Task RunAsync()
    {
        while (_client is null && !_stopping.IsCancellationRequested)
        {
            try
            {
                _client = await MtaTlsClient.ConnectAsync(_options(), _stopping.Token);
            }
            catch (Exception e) when (!_stopping.IsCancellationRequested)
            {
                Suspect(e.Message);
                _attempted.TrySetResult();
                await Task.Delay(_plan.Options.SuspectTime, _plan.Time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        while (!_stopping.IsCancellationRequested && _client is { } client)
        {
            Task changed = client.SessionsChanged;
            if (client.HasUsableSession)
            {
                Reached();
            }
            else if (!client.GetSessions().Any(static s => s.IsLeaving))
            {
                // A gateway that has announced its stop is not suspect: it finishes its channels, and the directory prevents new ones.
                Suspect("The session was lost, or does not answer.");
            }

            _attempted.TrySetResult();
            await changed.WaitAsync(_stopping.Token);
        }
    }

    private void Reached()
    {
        bool wasSuspect = _isSuspect;
        _isSuspect = false;
        if (!_isReached)
        {
            _isReached = true;
            _metrics.Reached(1);
            _logger.PeerReached(Node.Name, Node.Advertise);
        }

        if (wasSuspect)
        {
            _changed();
        }
    }

    private void Suspect(string reason)
    {
        if (_isReached)
        {
            _isReached = false;
            _metrics.Reached(-1);
        }

        if (!_isSuspect)
        {
            _isSuspect = true;
            _logger.PeerSuspected(Node.Name, Node.Advertise, reason, _plan.Options.SuspectTime.TotalSeconds);
            _changed();
        }
    }
}
