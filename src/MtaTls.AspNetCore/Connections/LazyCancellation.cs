namespace MtaTls.AspNetCore.Connections;

/// <summary>A cancellation that allocates nothing until its token is requested. Use it as a field; a copy would lose the state.</summary>
internal struct LazyCancellation
{
    private static readonly object s_cancelled = new();

    private object? _state;

    public CancellationToken Token
    {
        get
        {
            object? state = Volatile.Read(ref _state);
            if (state is null)
            {
                CancellationTokenSource made = new();
                state = Interlocked.CompareExchange(ref _state, made, null) ?? made;
            }

            return state is CancellationTokenSource source ? source.Token : new CancellationToken(canceled: true);
        }
    }

    /// <summary>Cancels the token and runs its callbacks before it returns. Their exceptions are thrown as by <see cref="CancellationTokenSource.Cancel()"/>.</summary>
    public void Cancel() => (Interlocked.Exchange(ref _state, s_cancelled) as CancellationTokenSource)?.Cancel();
}
