namespace MtaTls.Client.Sessions;

/// <summary>Makes the connections of a pool.</summary>
internal interface IDialer : IDisposable
{
    ValueTask<DialedConnection> ConnectAsync(CancellationToken cancellationToken);
}
