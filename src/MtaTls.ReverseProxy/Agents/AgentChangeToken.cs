using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Primitives;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Changes once, a short while after the first change of one of its names.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The source has no timer, so it needs no disposal, and its token may be used at any time.")]
internal sealed class AgentChangeToken : IChangeToken
{
    private readonly AgentMembers _members;
    private readonly HashSet<string> _names;
    private readonly TimeSpan _delay;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _changed = new();
    private ITimer? _timer;
    private int _begun;

    public AgentChangeToken(AgentMembers members, HashSet<string> names, TimeSpan delay, TimeProvider time)
    {
        _members = members;
        _names = names;
        _delay = delay;
        _time = time;
        members.Changed += OnChanged;
    }

    public bool HasChanged => _changed.IsCancellationRequested;

    public bool ActiveChangeCallbacks => true;

    public IDisposable RegisterChangeCallback(Action<object?> callback, object? state) => new Registration(this, _changed.Token.UnsafeRegister(callback, state));

    private void OnChanged(string? name)
    {
        if ((name is not null && !_names.Contains(name)) || Interlocked.Exchange(ref _begun, 1) != 0)
        {
            return;
        }

        _members.Changed -= OnChanged;
        _timer = _time.CreateTimer(static state => ((AgentChangeToken)state!).Fire(), this, _delay, Timeout.InfiniteTimeSpan);
    }

    private void Fire()
    {
        _timer?.Dispose();
        _changed.Cancel();
    }

    /// <summary>YARP disposes it with its old configuration. The token then no longer listens to the directory.</summary>
    private sealed class Registration(AgentChangeToken token, CancellationTokenRegistration registration) : IDisposable
    {
        public void Dispose()
        {
            token._members.Changed -= token.OnChanged;
            registration.Dispose();
        }
    }
}
