namespace MtaTls.Client.Sessions;

/// <summary>Creates the connections of a pool.</summary>
internal interface IDialer : IDisposable
{
    ValueTask<DialedConnection> ConnectAsync(CancellationToken cancellationToken);
}
