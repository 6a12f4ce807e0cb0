namespace MtaTls.QuicTunnel;

/// <summary>How clients show who they are. The draft leaves it open.</summary>
public enum TunnelAuthenticationMode
{
    /// <summary>A client certificate (mutual TLS). Its subject is the identity, and only that identity can join its sessions.</summary>
    ClientCertificate,

    /// <summary>A bearer token as the value of New Session. The name of the token is the identity; a join needs no more than the session id.</summary>
    Token,

    /// <summary>Anybody may open sessions. There is no identity, so addresses come from the pool.</summary>
    Anonymous,
}
