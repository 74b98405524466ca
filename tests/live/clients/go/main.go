// A door sensor written with Eclipse Paho's Go client: says what it is told to, and ends when all of it was acknowledged.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	url, name, password, topic, authority := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[6]
	count, err := strconv.Atoi(os.Args[5])
	if err != nil {
		panic(err)
	}
	options := mqtt.NewClientOptions().AddBroker(url).SetClientID(name).SetUsername(name).SetPassword(password)
	options.SetProtocolVersion(4).SetWill(topic+"/availability", "offline", 1, true)
	if authority != "" {
		pem, err := os.ReadFile(authority)
		if err != nil {
			panic(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		options.SetTLSConfig(&tls.Config{RootCAs: roots, ServerName: "localhost"})
	}
	client := mqtt.NewClient(options)
	if token := client.Connect(); token.WaitTimeout(20*time.Second) && token.Error() != nil {
		fmt.Println("refused:", token.Error())
		os.Exit(3)
	}
	var tokens []mqtt.Token
	for n := 0; n < count; n++ {
		tokens = append(tokens, client.Publish(topic, 1, false, fmt.Sprintf(`{"contact":false,"battery":%d}`, n%100)))
	}
	for _, token := range tokens {
		if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
			fmt.Println("not acknowledged:", token.Error())
			os.Exit(4)
		}
	}
	fmt.Println("acknowledged", count)
	client.Disconnect(250)
}
