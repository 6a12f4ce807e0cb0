namespace MtaTls.QuicTunnel;

/// <summary>How clients authenticate. The draft does not define it.</summary>
public enum TunnelAuthenticationMode
{
    /// <summary>A client certificate (mutual TLS). Its subject is the identity, and only that identity can join its sessions.</summary>
    ClientCertificate,

    /// <summary>A bearer token as the value of New Session. The name of the token is the identity. Joining a session needs only its session id.</summary>
    Token,

    /// <summary>Every client may open sessions. There is no identity, so addresses come from the pool.</summary>
    Anonymous,
}
